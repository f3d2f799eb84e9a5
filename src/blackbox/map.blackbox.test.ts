/**
 * `mesh peers --graph` with real daemons: a line of relays R1 - R2 - R3 and a leaf at R3. Each tells the same map from
 * where it stands; then the line is cut, and the map says what is left.
 */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MapJson, MapRelayJson } from '../api/client/index.ts';
import { MeshProcess, runMesh } from './testing/mesh-process.ts';
import { until } from './testing/wait.ts';

let relays: MeshProcess[];
let leaf: MeshProcess;
let ids: string[];

/** The map of a daemon, once it fits. */
function mapWhen(mesh: MeshProcess, what: string, fits: (map: MapJson) => boolean): Promise<MapJson> {
  return until(`${what} on the map of ${mesh.url}`, async () => {
    const map = await mesh.client.map('#dev');
    return fits(map) && map;
  });
}

async function draw(mesh: MeshProcess, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runMesh(['peers', '--graph', '--data', mesh.data, ...args]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

const at = (map: MapJson, peer: string | undefined): MapRelayJson | undefined =>
  map.relays.find((relay) => relay.peer === peer);
const name = (i: number): string => (ids[i] ?? '').slice(0, 8);

beforeAll(async () => {
  const first = await MeshProcess.start();
  const second = await MeshProcess.start({ peers: [first.url] });
  const third = await MeshProcess.start({ peers: [second.url] });
  leaf = await MeshProcess.start({ peers: [third.url] });
  relays = [first, second, third];
  ids = await Promise.all([...relays, leaf].map(async ({ client }) => (await client.status()).peer));
  await leaf.client.join('#dev');
});

describe('a line of three relays with a leaf at its end', () => {
  it('leads from its beginning to where the channel is wanted', async () => {
    const [first] = relays as [MeshProcess];
    const map = await mapWhen(first, 'the third relay with its wish', (one) => {
      const third = at(one, ids[2]);
      return third?.onPath === true && third.wants && third.claims.length === 0;
    });
    expect(map).toMatchObject({ peer: ids[0], role: 'relay', channel: '#dev' });
    // They hear of each other and may link at once: the way is what the links are.
    const third = at(map, ids[2]) as MapRelayJson;
    expect([1, 2]).toContain(third.hops);
    for (const id of ids.slice(0, 3)) expect(at(map, id)?.urls[0]).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/$/);
    const text = await draw(first, '--channel', '#dev');
    expect(text).toContain('From here messages of #dev go to:\n');
    expect(text).toMatch(new RegExp(`[├└]─ ${name(2)} {2}wants it, .*${relays[2]?.url}/\n`));
  });

  it('is told by each relay from where it stands, with the round trip of its links', async () => {
    const second = relays[1] as MeshProcess;
    const near = [ids[0], ids[2]];
    const map = await mapWhen(
      second,
      'both neighbours and an answered ping',
      (one) =>
        near.every((id) => at(one, id)?.hops === 1) &&
        one.links.some(({ roundTripMs }) => roundTripMs !== null),
    );
    expect(at(map, ids[1])).toMatchObject({ hops: 0, parent: null });
    const text = await draw(second);
    expect(text).toMatch(new RegExp(`^The map as ${name(1)} knows it: 3 relays, `));
    expect(text).toMatch(new RegExp(`^${name(1)} {2}this relay, \\d+ channels?.*$`, 'm'));
  });

  it('is a picture', async () => {
    const second = relays[1] as MeshProcess;
    const file = path.join(second.data, 'map.svg');
    expect(await draw(second, '--svg', file)).toBe(`The map is drawn in ${file}.\n`);
    const svg = fs.readFileSync(file, 'utf8');
    for (const i of [0, 1, 2]) expect(svg).toContain(`>${name(i)}</text>`);
  });

  it('is unknown to the leaf, which has its home relays and their addresses', async () => {
    const map = await mapWhen(leaf, 'its home relay with the channel', ({ home }) =>
      home.some(({ holds }) => holds),
    );
    expect(map).toMatchObject({ role: 'leaf', relays: [] });
    expect(map.links.map(({ kind }) => kind)).toContain('home-live');
    expect(map.addresses.map(({ url }) => url)).toContain(`${relays[2]?.url}/`);
    expect(await draw(leaf, '--channel', '#dev')).toMatch(
      /^.{8} is a leaf: .*\n[\s\S]*─ .{8} {2}home relay, passes messages on at once, keeps the channel/,
    );
  });

  it('loses who is gone: his record stays until it expires, and no way leads to him', async () => {
    const [first, second] = relays as [MeshProcess, MeshProcess];
    await first.stop();
    const map = await mapWhen(second, 'the lost relay', (one) => at(one, ids[0])?.hops === null);
    expect(at(map, ids[0])).toMatchObject({ hops: null, parent: null, links: [] });
    expect(at(map, ids[0])?.claims).toContain(ids[1]);
    const text = await draw(second);
    expect(text).toContain(`${name(0)} names ${name(1)}`);
    expect(text).toContain(`No confirmed links lead to: ${name(0)} at ${first.url}/.`);
  });
});
