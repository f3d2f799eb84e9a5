/** Daemons and peers of mesh/1 on real sockets, in both directions. */
import { describe, expect, it } from 'vitest';
import { MeshProcess, runMesh } from './testing/mesh-process.ts';
import { createBot, Mesh1Peer } from './testing/mesh1-peer.ts';
import { until } from './testing/wait.ts';

const bodies = async (mesh: MeshProcess, channel: string): Promise<string[]> =>
  (await mesh.read(channel)).map(({ body }) => body);

const reach = (what: string, has: () => Promise<string[]> | string[], ...wanted: readonly string[]) =>
  until(what, async () => {
    const found = await has();
    return wanted.every((body) => found.includes(body));
  });

const say = async (mesh: MeshProcess, channel: string, ...all: readonly string[]): Promise<void> => {
  for (const body of all) await mesh.client.publish({ channel, body });
};

const range = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name} ${i}`);

describe('a peer of mesh/1', () => {
  it('exchanges messages with a daemon, whoever dialled, and private ones stay out', async () => {
    const bot = createBot();
    const [dialled, dialling] = [
      await Mesh1Peer.start(bot),
      await Mesh1Peer.start({ ...createBot(), relay: false }),
    ];
    dialled.publish('lobby', 'long before', { kept: true });
    const mesh = await MeshProcess.start({ peers: [dialled.url] });
    await dialling.dial(mesh.url);
    await mesh.hasLinks(2);
    // What the other one wants is wanted of this one too.
    await until('the daemon has subscribed', () => dialled.node.hasSubscriber('lobby'));
    dialled.publish('lobby', 'signed', { a: 1 });
    await reach('the daemon has it', () => bodies(mesh, 'lobby'), 'signed');
    await reach('and the other peer', () => dialling.shown('lobby'), 'signed');
    expect((await mesh.read('lobby'))[0]).toMatchObject({
      author: bot.peerId,
      payload: { a: 1 },
      body: 'signed',
    });
    await say(mesh, 'lobby', 'from the daemon');
    await reach('both have it', () => dialled.shown('lobby'), 'from the daemon');
    await reach('both have it', () => dialling.shown('lobby'), 'from the daemon');

    dialling.node.subscribe(`dm:${bot.peerId}:x`);
    dialled.publish(`dm:${bot.peerId}:x`, 'private');
    await until('it is told', () =>
      dialling.node.errors.some((text) => /unauthorized: .*private/.test(text)),
    );
    await mesh.logged('the person is told', ({ phrase }) => phrase.startsWith('a mesh/1 peer wants private'));

    // Which of the two came first is chance.
    const linkOf = async (direction: string) =>
      (await mesh.client.peers()).links.find((link) => link.direction === direction);
    await until('what cannot be verified is counted', async () => (await linkOf('out'))?.unverified === 1);
    expect(await linkOf('out')).toMatchObject({ protocol: 'mesh/1', peer: bot.peerId, kind: 'mesh1' });
    expect(await linkOf('in')).toMatchObject({ protocol: 'mesh/1', kind: 'mesh1', unverified: 0 });
    const shown = await runMesh(['peers', '--data', mesh.data]);
    expect(shown.stdout).toMatch(/a mesh\/1 peer, .*in clear, .*1 message there that nobody can verify/);
    expect(await bodies(mesh, 'lobby')).toEqual(['signed', 'from the daemon']);
    await mesh.stop();
  });

  it('is the only bridge between two islands: what one says the other has, verified, and what it missed too', async () => {
    const bridge = await Mesh1Peer.start({ withoutCursor: 'newest' });
    const [p, q] = [
      await MeshProcess.start({ peers: [bridge.url] }),
      await MeshProcess.start({ peers: [bridge.url] }),
    ];
    const [a, e] = [await MeshProcess.start({ peers: [p.url] }), await MeshProcess.start({ peers: [q.url] })];
    for (const mesh of [p, q, a, e]) await mesh.client.join('#dev');
    await until('both have subscribed', () => bridge.node.links === 2 && bridge.node.hasSubscriber('#dev'));
    await until(
      'both links of the leaves are up',
      async () => (await p.linked()).length === 2 && (await q.linked()).length === 2,
    );
    await say(a, '#dev', ...range('a', 5));
    await say(e, '#dev', ...range('e', 5));
    await reach('a has all', () => bodies(a, '#dev'), ...range('e', 5));
    await reach('e has all', () => bodies(e, '#dev'), ...range('a', 5));
    await q.kill();
    await say(a, '#dev', ...range('while q was away', 45));
    await until('the bridge has all', () => bridge.node.stored('#dev').length === 55);
    await q.restart();
    await reach('e has what it missed', () => bodies(e, '#dev'), ...range('while q was away', 45));
    const [atA, atE] = [await a.read('#dev'), await e.read('#dev')];
    expect(atE.map(({ id }) => id)).toEqual(atA.map(({ id }) => id));
    for (const mesh of [a, e, p, q]) await mesh.stop();
  });
});
