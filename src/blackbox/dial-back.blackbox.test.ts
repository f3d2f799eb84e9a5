/** Real daemons that prove to each other that they can be dialled, and one that wants to stay a leaf. */
import { expect, it } from 'vitest';
import { MeshProcess } from './testing/mesh-process.ts';
import { until } from './testing/wait.ts';

const roleOf = async (mesh: MeshProcess): Promise<string> => (await mesh.client.status()).role;

it('a daemon that is on no list becomes a relay when a neighbour dials it back, and others hear of it', async () => {
  const known = await MeshProcess.start();
  const open = await MeshProcess.start({ peers: [known.url], env: { MESH_RELAY: 'always' } });
  await until('the open one is a relay', async () => (await roleOf(open)) === 'relay');
  const shut = await MeshProcess.start({ peers: [known.url], env: { MESH_RELAY: 'never' } });
  const home = await MeshProcess.start({ peers: [known.url] });
  for (const leaf of [shut, home]) {
    const peer = (await open.client.status()).peer;
    await until('the leaf is linked with both', async () => {
      const { links } = await leaf.client.status();
      return links.some((link) => link.peer === peer) && links.length === 2;
    });
    expect(await roleOf(leaf)).toBe('leaf');
  }
});

it('a daemon that may not be a relay stays a leaf, though others dial it', async () => {
  const shut = await MeshProcess.start({ env: { MESH_RELAY: 'never' } });
  const other = await MeshProcess.start({ peers: [shut.url], env: { MESH_RELAY: 'always' } });
  await until('the other one is a relay', async () => (await roleOf(other)) === 'relay');
  expect(await roleOf(shut)).toBe('leaf');
});
