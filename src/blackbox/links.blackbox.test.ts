/** How daemons find each other, and each other again: double dials, restarts, dead lines and bootstrap lists. */
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { MeshProcess, runMesh } from './testing/mesh-process.ts';
import { until } from './testing/wait.ts';
import { Wire } from './testing/wire.ts';

const servers: net.Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function bodiesInclude(mesh: MeshProcess, body: string): Promise<void> {
  await until(`"${body}" arrives at ${mesh.url}`, async () =>
    (await mesh.client.messages({ channel: 'lobby', limit: 1000 })).some((message) => message.body === body),
  );
}

/** Publishes at each and waits until all have all. */
async function expectTalking(...all: readonly MeshProcess[]): Promise<void> {
  const bodies = all.map((mesh) => `from ${mesh.port} at ${performance.now()}`);
  await Promise.all(
    all.map((mesh, i) => mesh.client.publish({ channel: 'lobby', body: bodies[i] as string })),
  );
  await Promise.all(all.flatMap((mesh) => bodies.map((body) => bodiesInclude(mesh, body))));
}

/** What `mesh peers` says of each address. */
async function statesOf(mesh: MeshProcess): Promise<Record<string, string>> {
  const { addresses } = await mesh.client.peers();
  return Object.fromEntries(addresses.map(({ url, state }) => [url.replace(/\/$/, ''), state]));
}

describe('two daemons', () => {
  it('that dial each other, under several spellings, and themselves, have one link each and none to themselves', async () => {
    const [a, b] = await Promise.all([MeshProcess.create(), MeshProcess.create()]);
    const spellings = (mesh: MeshProcess) => [
      mesh.url,
      `ws://localhost:${mesh.port}`,
      `ws://127.0.0.1:${mesh.port}/`,
      `127.0.0.1:${mesh.port}`,
    ];
    const peers = [...spellings(a), ...spellings(b)];
    await Promise.all([a.restart({ peers }), b.restart({ peers })]);
    for (const [mesh, other] of [
      [a, b],
      [b, a],
    ] as const) {
      await until('each address is linked or known as our own', async () => {
        const states = await statesOf(mesh);
        const mine = [mesh.url, `ws://localhost:${mesh.port}`].map((url) => states[url]);
        const theirs = [other.url, `ws://localhost:${other.port}`].map((url) => states[url]);
        return [mine, theirs].join(' ') === 'self,self linked,linked';
      });
    }
    await expectTalking(a, b);
    for (const [mesh, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const { peer } = await other.client.status();
      const [shown] = (await mesh.mesh('peers')) as [{ links: { peer: string }[] }];
      expect(shown.links.map((link) => link.peer)).toEqual([peer]);
      expect(Object.keys(await statesOf(mesh))).toHaveLength(4); // the canonical ones
    }
    await Promise.all([a.stop(), b.stop()]);
  });

  it('find each other when one is there later, is killed and comes back, and when the line dies without a word', async () => {
    const b = await MeshProcess.create();
    const wire = await Wire.to(b.port);
    const a = await MeshProcess.start({ peers: [wire.url] });
    const { id, state } = await a.client.publish({ channel: 'lobby', body: 'alone' });
    expect(state).toBe('queued');
    await b.restart();
    await bodiesInclude(b, 'alone');
    await until('it counts as stored', async () => (await a.client.message(id)).delivery?.state === 'stored');
    await b.kill();
    await a.hasLinks(0);
    await b.restart();
    await expectTalking(a, b);
    wire.freeze();
    await Promise.all([a.hasLinks(0), b.hasLinks(0)]);
    await a.logged('silence', ({ code }) => code === 'timed_out');
    wire.mend();
    await expectTalking(a, b);
    await Promise.all([a.hasLinks(1), b.hasLinks(1)]);
    await Promise.all([a.stop(), b.stop()]);
  });
});

describe('a daemon whose bootstrap lists are down or hang', () => {
  it('works as a mesh of one, says so, and joins by itself once a list answers', async () => {
    const hanging = net.createServer((socket) => socket.on('error', () => undefined));
    servers.push(hanging);
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
    const down = net.createServer();
    await new Promise<void>((resolve) => down.listen(0, '127.0.0.1', resolve));
    const { port } = down.address() as AddressInfo;
    await new Promise((resolve) => down.close(resolve));
    const urls = [
      `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/bootstrap.json`,
      `http://127.0.0.1:${port}/bootstrap.json`,
    ];
    const b = await MeshProcess.start();
    const a = await MeshProcess.start({ env: { MESH_BOOTSTRAP_URL: urls.join() } });
    const sources = async () => (await a.client.status()).sources;
    await until('the one that is down has failed', async () => (await sources())[1]?.state === 'failed');
    expect((await sources())[1]).toMatchObject({ source: urls[1], code: 'bootstrap_unreachable' });
    expect((await a.client.publish({ channel: 'lobby', body: 'a mesh of one' })).state).toBe('queued');
    const list = JSON.stringify({
      version: 1,
      peers: [{ peer_id: (await b.client.status()).peer, ws_url: b.url }],
    });
    const server = http.createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(list);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await bodiesInclude(b, 'a mesh of one');
    await until('the hanging one has failed', async () => (await sources())[0]?.state === 'failed');
    expect(await sources()).toMatchObject([{ code: 'bootstrap_unreachable' }, { state: 'ok', peers: 1 }]);
    server.closeAllConnections();
    await Promise.all([a.stop(), b.stop()]);
  });
});

describe('a command whose daemon is gone', () => {
  it('says so and how to start one', async () => {
    const mesh = await MeshProcess.start();
    await mesh.kill();
    const output = await runMesh(['status', '--data', mesh.data]);
    expect(output.code).toBe(3);
    expect(output.stderr).toMatch(/No daemon answers[\s\S]*mesh start/);
  });
});
