/** Sealed links: what goes over the wire, what comes out at the other end, and what ends the link. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { createSealer } from '../crypto/index.ts';
import { connectClient, startNet, startPair, type TestNet } from './testing/net.fixture.ts';

const KEYS = { dialler: new Uint8Array(32).fill(1), responder: new Uint8Array(32).fill(2) };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const DURABLE = { droppable: false, notify: 0 } as const;

async function startSealed(
  limits: Parameters<typeof startPair>[0] = {},
): Promise<{ a: TestNet; b: TestNet }> {
  const pair = await startPair(limits);
  for (const { net } of [pair.a, pair.b]) net.seal(1, KEYS);
  return pair;
}

/** A client of another make on a link that is sealed: it writes records, or what looks like them. */
async function startVictim() {
  const hub = await startNet();
  const client = await connectClient(hub.url);
  await hub.log.next('link-opened');
  hub.net.seal(1, KEYS);
  return { hub, client, seal: createSealer(KEYS.dialler) };
}

describe('a sealed link', () => {
  it('carries frames both ways, in order and byte for byte, of every size', async () => {
    const { a, b } = await startSealed();
    const sizes = [0, 1, 400, 70_000, LIMITS.frameBytesMax];
    const frames = sizes.map((size, n) => Uint8Array.from({ length: size }, (_, i) => (i + n) % 251));
    for (const frame of frames) a.net.send([1], frame, DURABLE);
    b.net.send([1], bytesOf('back'), DURABLE);
    await b.log.next('frame-received', frames.length);
    expect(b.log.all('frame-received').map(({ bytes }) => bytes)).toEqual(frames);
    expect((await a.log.next('frame-received')).bytes).toEqual(bytesOf('back'));
  });

  it('puts what is sent in one turn into one record, in which nothing can be read', async () => {
    const { hub, client } = await startVictim();
    const records: Buffer[] = [];
    const second = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        records.push(data);
        if (records.length === 2) resolve();
      });
    });
    for (let i = 0; i < 100; i++) hub.net.send([1], bytesOf('the same words'), DURABLE);
    await hub.log.next('link-opened'); // a turn of the loop
    await new Promise((resolve) => setImmediate(resolve));
    hub.net.send([1], bytesOf('the same words'), DURABLE);
    await second;
    expect(records.map(({ length }) => length)).toEqual([100 * 18 + 16, 18 + 16]);
    expect(Buffer.concat(records).includes('same')).toBe(false);
  });

  it('tells when a frame has left, and sends what waits before it says goodbye', async () => {
    const { a, b } = await startSealed();
    a.net.send([1], bytesOf('x'), { droppable: false, notify: 7 });
    expect(await a.log.next('link-flushed')).toMatchObject({ notify: 7 });
    a.net.send([1], bytesOf('last words'), DURABLE);
    a.net.close(1, 'stopping', '');
    await b.log.next('link-closed');
    expect(b.log.all('frame-received').map(({ bytes }) => bytes.length)).toEqual([1, 10]);
  });

  it('counts what is not sealed yet in its queue', async () => {
    const { a } = await startSealed({ linkQueueBytesMax: 1000 });
    for (let i = 0; i < 20; i++) a.net.send([1], new Uint8Array(100), { droppable: true, notify: 0 });
    const { droppedFrames, queuedBytes } = a.net.stats();
    expect(droppedFrames).toBeGreaterThan(9);
    expect(queuedBytes).toBeLessThanOrEqual(1000);
  });

  it('that is paused keeps the frames of a record that were one too many', async () => {
    const { a, b } = await startSealed();
    a.net.send([1], bytesOf('first'), DURABLE);
    await b.log.next('frame-received');
    b.net.pause(1, 50);
    for (const text of ['second', 'third']) a.net.send([1], bytesOf(text), DURABLE);
    await b.log.next('frame-received', 3);
    const texts = b.log.all('frame-received').map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(texts).toEqual(['first', 'second', 'third']);
  });
});

describe('a sealed link ends at the first record', () => {
  type Victim = Awaited<ReturnType<typeof startVictim>>;
  const attacks: readonly (readonly [string, (victim: Victim) => void])[] = [
    [
      'that was changed',
      ({ client, seal }) => {
        const record = seal([bytesOf('x')]);
        record[3] = (record[3] as number) ^ 1;
        client.send(record);
      },
    ],
    [
      'that comes again',
      ({ client, seal }) => {
        const record = seal([bytesOf('good')]);
        client.send(record);
        client.send(record);
      },
    ],
    [
      'behind one that is missing',
      ({ client, seal }) => {
        seal([bytesOf('missing')]);
        client.send(seal([bytesOf('x')]));
      },
    ],
    ['that is none', ({ client }) => client.send(bytesOf('a frame, as it is'))],
    ['that is our own', ({ client }) => client.send(createSealer(KEYS.responder)([bytesOf('x')]))],
    ['that is empty', ({ client }) => client.send(new Uint8Array(0))],
  ];

  it.each(attacks)('%s', async (_, attack) => {
    const victim = await startVictim();
    attack(victim);
    victim.client.send(victim.seal([bytesOf('after it')]));
    expect(await victim.hub.log.next('link-closed')).toMatchObject({ reason: 'record_damaged' });
    const got = victim.hub.log.all('frame-received').map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(got.filter((text) => text !== 'good')).toEqual([]);
  });
});
