/** A daemon behind a reverse proxy that ends TLS, as on any hosting platform. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startTlsProxy, type TlsProxy } from '../net/testing/tls-proxy.ts';
import { storedIds } from './testing/database.ts';
import { MeshProcess, makeFolder } from './testing/mesh-process.ts';
import { until } from './testing/wait.ts';

/** an address that the proxies here claim to have seen; nothing is ever sent to it */
const FAR_AWAY = '8.8.8.8';

const proxies: TlsProxy[] = [];
afterAll(() => {
  for (const proxy of proxies) proxy.stop();
});

interface Site {
  readonly mesh: MeshProcess;
  /** the public URL */
  readonly url: string;
}

async function startProxy(target: number): Promise<{ url: string; proxy: TlsProxy }> {
  const proxy = await startTlsProxy({ target, seenIp: FAR_AWAY });
  proxies.push(proxy);
  return { url: `wss://localhost:${proxy.port}/`, proxy };
}

/** A file of certificates that a daemon is told to trust. */
function trustFile(...trusted: readonly TlsProxy[]): Record<string, string> {
  const file = path.join(makeFolder(), 'ca.pem');
  fs.writeFileSync(file, trusted.map(({ certificate }) => certificate.cert).join(''));
  return { NODE_EXTRA_CA_CERTS: file };
}

/** Two sites that dial each other's public URL. */
async function startSites(): Promise<readonly [Site, Site]> {
  const meshes = [await MeshProcess.create(), await MeshProcess.create()] as const;
  const fronts = [await startProxy(meshes[0].port), await startProxy(meshes[1].port)] as const;
  const trust = trustFile(...fronts.map(({ proxy }) => proxy));
  const sites = meshes.map((mesh, i): Site => ({ mesh, url: fronts[i]?.url ?? '' }));
  await Promise.all(
    sites.map(({ mesh, url }) => {
      const peers = sites.filter((site) => site.mesh !== mesh).map((site) => site.url);
      return mesh.restart({ peers, env: { ...trust, MESH_PUBLIC_URL: url, MESH_TRUST_PROXY: '1' } });
    }),
  );
  return sites as unknown as readonly [Site, Site];
}

/** What `/bootstrap.json` says of the daemon itself, to somebody on this host. */
async function listedUrls(mesh: MeshProcess): Promise<string[]> {
  const answer = await fetch(`http://127.0.0.1:${mesh.port}/bootstrap.json`);
  const { peers } = (await answer.json()) as { peers: { peer_id: string; ws_url: string }[] };
  const { peer } = await mesh.client.status();
  return peers.filter(({ peer_id }) => peer_id === peer).map(({ ws_url }) => ws_url);
}

async function expectTalking(a: MeshProcess, b: MeshProcess): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const { id } = await from.client.publish({ channel: 'lobby', body: `from ${from.port}` });
    await until(`${to.url} has it`, () => storedIds(to).has(id));
  }
}

describe('two daemons with public URLs behind proxies that end TLS', () => {
  it('link through them, and list these URLs and no other, also where a daemon on their host dials past the proxy', async () => {
    const [{ mesh: a, url: urlA }, { mesh: b, url: urlB }] = await startSites();
    await Promise.all([a.hasLinks(1), b.hasLinks(1)]);
    await expectTalking(a, b);
    // The smaller id's dial stays; the other one reached its goal too before it yielded.
    await until('each was reached', async () => {
      const listed = [await listedUrls(a), await listedUrls(b)];
      return listed.flat().length === 2 && listed;
    });
    const beside = await MeshProcess.start({ peers: [a.url] });
    await beside.hasLinks(1);
    await expectTalking(beside, b);
    expect([await listedUrls(a), await listedUrls(b)]).toEqual([[urlA], [urlB]]);
    const { links } = await a.client.peers();
    expect(links.filter(({ direction }) => direction === 'out').map(({ url }) => url)).toEqual(
      links.some(({ direction, url }) => direction === 'out' && url === urlB) ? [urlB] : [],
    );
    // Somebody far away is told nothing of this host, whose name leads nowhere for him.
    const far = await fetch(`http://127.0.0.1:${a.port}/bootstrap.json`, {
      headers: { 'X-Forwarded-For': FAR_AWAY },
    });
    expect(await far.json()).toMatchObject({ peers: [] });
    await Promise.all([a, b, beside].map((mesh) => mesh.stop()));
  });

  it('refuse a handshake that somebody relays who was dialled instead', async () => {
    const [{ mesh: a, url: urlA }, { mesh: b }] = await startSites();
    await a.hasLinks(1);
    const mallory = await startProxy(a.port);
    const victim = await MeshProcess.start({ peers: [mallory.url], env: trustFile(mallory.proxy) });
    // The dialler is through with its part when it hears the word: it may have taken the link for up by then.
    const [line] = await victim.logged('the refusal', ({ phrase }) => /^link (?:refused|down)$/.test(phrase));
    expect(line?.reason).toBe(`the other side: dial ${urlA}, and no other URL`);
    await victim.hasLinks(0);
    expect(await a.linked()).toHaveLength(1);
    expect(await listedUrls(a)).not.toContain(mallory.url);
    await Promise.all([a, b, victim].map((mesh) => mesh.stop()));
  });
});
