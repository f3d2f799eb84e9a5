/** Keys that are copied, lost or in the way. A private key is never overwritten. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { storedIds } from './testing/database.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { until } from './testing/wait.ts';

const keyFile = (mesh: MeshProcess, name: string): string => path.join(mesh.data, 'keys', name);
const codesOf = async (mesh: MeshProcess): Promise<string[]> =>
  (await mesh.client.status()).problems.map(({ code }) => code);

describe('two daemons with one key', () => {
  it('both say so, and nothing that either publishes is lost', async () => {
    const a = await MeshProcess.start();
    const r = await MeshProcess.start({ peers: [a.url] });
    const b = await MeshProcess.start({ peers: [a.url, r.url] });
    await Promise.all([a, r, b].map((mesh) => mesh.hasLinks(2)));
    await b.stop();
    // A backup is restored elsewhere, and both copies are started.
    const twin = await MeshProcess.create({ peers: [a.url] });
    fs.cpSync(b.data, twin.data, { recursive: true });
    await b.restart();
    const { peer } = await b.client.status();
    // Between two starts of one daemon the old link is silent; only one that answered pings shows two at once.
    await until('the first one answers pings', async () => {
      const link = (await a.client.status()).links.find((one) => one.peer === peer);
      return link !== undefined && Date.now() - Date.parse(link.since) > 2_500;
    });
    await twin.restart();
    for (const mesh of [b, twin])
      await until(`${mesh.url} says so`, async () => (await codesOf(mesh)).includes('duplicate_peer'));
    const [line] = await a.logged('the neighbour notes it', ({ code }) => code === 'duplicate_peer');
    expect(line).toMatchObject({ peer });
    const ids = await Promise.all(
      [b, twin].map(async (mesh) => (await mesh.client.publish({ channel: 'lobby', body: mesh.url })).id),
    );
    for (const mesh of [a, r, b, twin])
      await until(`${mesh.url} has both`, () => ids.every((id) => storedIds(mesh).has(id)));
    expect(new Set(ids).size).toBe(2);
    await Promise.all([a, r, b, twin].map((mesh) => mesh.stop()));
  });
});

describe('a start', () => {
  it('makes the public key file anew where it is gone, and keeps identity and private keys', async () => {
    const mesh = await MeshProcess.start();
    const { identity, peer } = await mesh.client.status();
    await mesh.stop();
    const names = ['key.pem', 'peer.pem', 'pub.pem'];
    const contents = () => names.map((name) => fs.readFileSync(keyFile(mesh, name), 'utf8'));
    const before = contents();
    fs.rmSync(keyFile(mesh, 'pub.pem'));
    await mesh.restart();
    expect(contents()).toEqual(before);
    expect(await mesh.client.status()).toMatchObject({ identity, peer, problems: [] });
    await mesh.stop();
  });

  it('without the key folder makes a new identity, says so as long as it runs, and still has what was stored', async () => {
    const mesh = await MeshProcess.start();
    const { identity } = await mesh.client.status();
    const { id } = await mesh.client.publish({ channel: 'lobby', body: 'by the old one' });
    await mesh.stop();
    const lost = path.join(mesh.folder, 'lost');
    fs.renameSync(path.join(mesh.data, 'keys'), lost);
    await mesh.restart();
    const status = await mesh.client.status();
    expect(status.identity).not.toBe(identity);
    expect(status.problems).toMatchObject([
      { code: 'key_unreadable', detail: expect.stringContaining(path.join(mesh.data, 'keys')) },
    ]);
    expect(await mesh.client.message(id)).toMatchObject({ body: 'by the old one', author: identity });
    expect((await mesh.client.publish({ channel: 'lobby', body: 'by the new one' })).id).not.toBe(id);
    await mesh.stop();
    // The way on that it names: the old keys come back.
    fs.rmSync(path.join(mesh.data, 'keys'), { recursive: true });
    fs.renameSync(lost, path.join(mesh.data, 'keys'));
    await mesh.restart();
    expect(await mesh.client.status()).toMatchObject({ identity, problems: [] });
    await mesh.stop();
  });
});
