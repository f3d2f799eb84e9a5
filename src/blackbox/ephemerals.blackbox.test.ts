/** Drafts and activities between real daemons: seen live by who asks for them, and on no disk. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EphemeralJson, StreamItem } from '../api/client/index.ts';
import { Stream } from '../api/client/stream.ts';
import { toBase64url } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { ephemeralParts } from '../core/message/ephemeral.ts';
import type { Message } from '../core/message/message.ts';
import { Author, type Crafted, pushOf } from './testing/author.ts';
import { storedIds, storedRows } from './testing/database.ts';
import { MeshProcess, startCommand } from './testing/mesh-process.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';

const CHANNEL = '#drafts';

let relay: MeshProcess;
let a: MeshProcess;
let b: MeshProcess;
let streams: Stream[] = [];

/** What a stream of this daemon brings from now on. */
async function watch(mesh: MeshProcess, ephemerals: boolean): Promise<StreamItem[]> {
  const stream = await Stream.open(mesh.client.daemon);
  streams.push(stream);
  const items: StreamItem[] = [];
  const feed = stream.subscribe({ channels: [CHANNEL], ...(ephemerals && { ephemerals }) });
  const read = async () => {
    for await (const item of feed) items.push(item);
  };
  read().catch(() => undefined); // the test closes it
  await until('a feed is live', () => items.some(({ kind }) => kind === 'caught-up'));
  return items;
}

const ephemeralsOf = (items: readonly StreamItem[]): EphemeralJson[] =>
  items.flatMap((item) => (item.kind === 'ephemeral' ? [item.ephemeral] : []));

/** No message of an ephemeral kind lies on a disk: the kind is the first item of the signed bytes. */
function expectNothingStored(): void {
  for (const mesh of [relay, a, b])
    for (const { bytes, body } of storedRows(mesh))
      expect([bytes[0], bytes[1], body]).toEqual([0x89, 1, body]);
}

beforeAll(async () => {
  relay = await MeshProcess.start();
  [a, b] = (await Promise.all([1, 2].map(() => MeshProcess.start({ peers: [relay.url] })))) as [
    MeshProcess,
    MeshProcess,
  ];
  await Promise.all([a, b].map((mesh) => mesh.client.join(CHANNEL)));
  const { id } = await a.client.publish({ channel: CHANNEL, body: 'are you there?' });
  await until('B has what A says', () => storedIds(b).has(id));
});

afterAll(async () => {
  await Promise.all(streams.map((stream) => stream.close()));
  streams = [];
  await Promise.all([a, b, relay].map((mesh) => mesh.stop()));
});

describe('a draft', () => {
  it('grows before the eyes of who asked for it, ends, and is followed by the message; nobody keeps it', async () => {
    const [asking, plain, own] = [await watch(b, true), await watch(b, false), await watch(a, true)];
    const before = storedRows(relay).length;
    let text = '';
    let run: string | undefined;
    for (let i = 0; i < 200; i++) {
      text += `word ${i} `;
      run = (await a.client.publishEphemeral({ channel: CHANNEL, kind: 'draft', text, ...(run && { run }) }))
        .run;
    }
    const last = {
      channel: CHANNEL,
      kind: 'draft',
      text: `${text}.`,
      state: 'ended',
      run: run as string,
    } as const;
    await a.client.publishEphemeral(last);
    await until('B sees the end', () => ephemeralsOf(asking).some(({ state }) => state === 'ended'));
    const refs = [{ relation: 'run', id: run as string }] as const;
    const said = await a.client.publish({ channel: CHANNEL, body: `${text}.`, refs });
    const has = (items: readonly StreamItem[]) =>
      items.some((item) => item.kind === 'message' && item.message.id === said.id);
    await until('everybody has the answer', () => has(asking) && has(plain) && has(own));
    const seen = ephemeralsOf(asking);
    expect(seen.at(-1)).toMatchObject({
      kind: 'draft',
      run,
      text: `${text}.`,
      state: 'ended',
      doing: null,
      own: false,
    });
    expect(seen.at(-1)?.author).toBe((await a.client.status()).identity);
    // 201 were handed over; of what waits only the newest leaves.
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.length).toBeLessThan(201);
    const lengths = seen.map((one) => one.text.length);
    expect(lengths).toEqual([...lengths].sort((x, y) => x - y));
    expect(ephemeralsOf(plain)).toEqual([]);
    expect(ephemeralsOf(own).at(-1)).toMatchObject({ own: true, state: 'ended' });
    const [message] = (await b.read(CHANNEL)).slice(-1);
    expect(message).toMatchObject({ id: said.id, refs });
    expect(storedRows(relay).length).toBe(before + 1);
    expectNothingStored();
  });
});

describe('an activity', () => {
  it('is shown by the command of who follows with --live, and said by a command', async () => {
    const reading = startCommand(['read', CHANNEL, '--follow', '--live', '--limit', '0', '--data', b.data]);
    // The command says nothing when it is live: so it is said again until it is seen.
    await until('B reads that A types', async () => {
      await a.mesh('send', CHANNEL, '--typing');
      return reading.stdout().includes('is typing');
    });
    expect(reading.stdout()).toContain((await a.client.status()).identity.slice(0, 8));
    await reading.end('SIGINT');
    expectNothingStored();
  });
});

describe('somebody who does not keep to the rules', () => {
  const author = new Author();

  function draft(n: number, changes = {}): Crafted {
    const refs = [{ relation: 7, id: new Uint8Array(32).fill(n) }];
    const expiresMs = Date.now() + LIMITS.ephemeralMs - 1000;
    const parts = ephemeralParts({ kind: 'draft', text: `flood ${n}`, state: 'open' });
    return author.write({ ...parts, channel: CHANNEL, refs, expiresMs, ...changes });
  }
  const frameOf = (...crafted: readonly Crafted[]) =>
    ({
      type: 'ephemeral',
      items: crafted.map(({ wire }) => ({ root: '', message: { wire } as Message })),
    }) as const;

  it('gets through what an author may send, and no message waits for it', async () => {
    const items = await watch(b, true);
    const peer = await RawPeer.link(relay);
    const begunMs = performance.now();
    for (let n = 0; n < 200; n++) peer.send(frameOf(draft(n)));
    await peer.settle();
    const { id } = await a.client.publish({ channel: CHANNEL, body: 'in the middle of it' });
    await until('B has it', () => storedIds(b).has(id));
    await until('B sees some of it', () => ephemeralsOf(items).length > 0);
    const seconds = (performance.now() - begunMs) / 1000;
    const most = LIMITS.ephemeralBurst + LIMITS.ephemeralPerSecond * (seconds + 1);
    const theirs = ephemeralsOf(items).filter((one) => one.author === toBase64url(author.signer.publicKey));
    expect(theirs.length).toBeLessThanOrEqual(most);
    expect([peer.errors, peer.closed]).toEqual([[], undefined]);
    peer.close();
    expectNothingStored();
  });

  it('is refused where a draft comes as a message, or has a wrong signature, and where a message comes as a draft', async () => {
    const peer = await RawPeer.link(relay);
    const smuggled = draft(201);
    peer.send(pushOf([smuggled.wire]));
    const junk = new Author().write({ kind: 256, channel: CHANNEL, expiresMs: Date.now() + 50_000 });
    const altered = {
      ...junk,
      wire: junk.wire.map((byte, i) => (i === junk.wire.length - 20 ? byte ^ 1 : byte)),
    };
    peer.send(frameOf(author.write({ channel: CHANNEL })));
    peer.send(frameOf(altered));
    await peer.settle();
    expect(peer.errors).toHaveLength(3);
    expect(storedIds(relay).has(smuggled.idText)).toBe(false);
    expectNothingStored();
    peer.close();
  });
});
