/** Messages get there: across relays that do not want them, and to those who were away. */
import { describe, expect, it } from 'vitest';
import { Author, type Crafted, pushOf } from './testing/author.ts';
import { storedIds } from './testing/database.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';
import { Wire } from './testing/wire.ts';

/** Pushes messages through a link of its own, as a leaf that leaves once they are stored. */
async function passBy(mesh: MeshProcess, messages: readonly Crafted[]): Promise<void> {
  const peer = await RawPeer.link(mesh);
  for (let i = 0; i < messages.length; i += 50)
    peer.send(pushOf(messages.slice(i, i + 50).map(({ wire }) => wire)));
  await until('all are stored', () => messages.every(({ idText }) => peer.stored.has(idText)));
  peer.close();
}

describe('A - B - D - E in a line', () => {
  it('carries what A says to E and back, though B and D joined nothing', async () => {
    const channel = '#far';
    const d = await MeshProcess.start();
    const [toD, toDfromE] = [await Wire.to(d.port), await Wire.to(d.port)];
    const [b, e] = await Promise.all([
      MeshProcess.start({ peers: [toD.url] }),
      MeshProcess.start({ peers: [toDfromE.url] }),
    ]);
    const toB = await Wire.to(b.port);
    const a = await MeshProcess.start({ peers: [toB.url] });
    await Promise.all([a.client.join(channel), e.client.join(channel)]);
    await Promise.all([a.hasLinks(1), b.hasLinks(2), d.hasLinks(2), e.hasLinks(1)]);
    const said = await a.client.publish({ channel, body: 'from A' });
    await until('E has it', () => storedIds(e).has(said.id));
    const back = await e.client.publish({ channel, body: 'from E', reply: said.id });
    await until('A has the answer', () => storedIds(a).has(back.id));
    expect((await a.read(channel)).map(({ body }) => body)).toEqual(['from A', 'from E']);
    expect((await e.read(channel)).map(({ body }) => body)).toEqual(['from A', 'from E']);
    // It was a line all the time: nobody linked around B and D.
    const counts = await Promise.all([a, b, d, e].map(async (mesh) => (await mesh.linked()).length));
    expect(counts).toEqual([1, 2, 2, 1]);
    for (const relay of [b, d]) {
      const joined = (await relay.client.status()).channels.filter((row) => row.joined);
      expect(joined.map((row) => row.channel)).toEqual(['lobby']);
    }
    await Promise.all([a, b, d, e].map((mesh) => mesh.stop()));
  });
});

describe('a recipient who was away', () => {
  it('gets all from the mailbox after the senders left and the relay was restarted, also many of one moment', async () => {
    const channel = '#mail';
    const b = await MeshProcess.start();
    const c = await MeshProcess.start({ peers: [b.url] });
    await c.client.join(channel);
    const a = await MeshProcess.start({ peers: [b.url] });
    // The mailbox is asked for when C joins; what C publishes behind that comes to B behind it.
    await c.client.publish({ channel, body: 'I am here' }, { wait: 'stored', timeoutSeconds: 60 });
    await c.kill();
    const said: string[] = [];
    for (let i = 0; i < 20; i++)
      said.push(
        (await a.client.publish({ channel, body: `a ${i}` }, { wait: 'stored', timeoutSeconds: 60 })).id,
      );
    await a.stop();
    const author = new Author();
    const time = { timeMs: Date.now(), counter: 7 };
    const equal = Array.from({ length: 250 }, (_, i) => author.write({ channel, time, body: `equal ${i}` }));
    await passBy(b, equal);
    await b.kill();
    await b.restart();
    await c.restart();
    const expected = new Set([...said, ...equal.map(({ idText }) => idText)]);
    await until('C has all', () => [...expected].every((id) => storedIds(c).has(id)));
    const [atB, atC] = [await b.read(channel), await c.read(channel)];
    expect(atC).toHaveLength(expected.size + 1);
    expect(new Set(atC.map(({ id }) => id)).size).toBe(atC.length);
    expect(atC.map(({ id }) => id)).toEqual(atB.map(({ id }) => id));
    const key = (message: { time: string; counter: number; id: string }) =>
      `${message.time} ${String(message.counter).padStart(5, '0')} ${Buffer.from(message.id, 'base64url').toString('hex')}`;
    expect(atC.map(key)).toEqual(atC.map(key).sort());
    expect(atC.filter(({ body }) => body.startsWith('a ')).map(({ id }) => id)).toEqual(said);
    await Promise.all([b.stop(), c.stop()]);
  });
});
