/**
 * `mesh why` and `mesh tap` with real daemons, one story: a leaf whose relay is not there yet, a relay with nobody who
 * keeps its messages, then both joined to a line R1 - R2 - leaf, then the line is cut.
 */
import http from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { findDaemon } from '../api/client/find.ts';
import { AGENT_TOKEN_FILE } from '../api/client/index.ts';
import type { TapItemJson } from '../api/client/tap-types.ts';
import type { WhyJson } from '../api/client/why-types.ts';
import { toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { LIMITS } from '../core/limits.ts';
import { sha256 } from '../crypto/index.ts';
import { Author, NETWORK, pushOf } from './testing/author.ts';
import { MeshProcess, runMesh } from './testing/mesh-process.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { TapProcess } from './testing/tap-process.ts';
import { until, within } from './testing/wait.ts';

const LOBBY = toBase64url(channelTag(sha256, NETWORK, 'lobby'));
/** Little to spare for loud authors; links may be as loud as they like. */
const TIGHT = { MESH_RATE_AUTHOR: '1', MESH_RATE_COMMON: '1', MESH_RATE_LEAF: '0' };

let relay1: MeshProcess;
let relay2: MeshProcess;
let leaf: MeshProcess;
/** 32 KB each, 192 KB as JSON: a tap holds 4 MiB of frames, and the sockets some 10 MiB of text (measured). */
const STALL_FRAMES = 400;

/** What the leaf sent while it had no link. */
let early: string;

async function send(mesh: MeshProcess, channel: string, body: string): Promise<string> {
  return (await mesh.client.publish({ channel, body })).id;
}

/** What `mesh why` says, as text. */
async function textOf(mesh: MeshProcess, id: string): Promise<string> {
  const { code, stdout, stderr } = await runMesh(['why', id, '--data', mesh.data]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** The explanation, once it fits. */
function whyWhen(mesh: MeshProcess, id: string, fits: (why: WhyJson) => boolean): Promise<WhyJson> {
  return until(`${mesh.url} explains ${id}`, async () => {
    const why = await mesh.client.why(id);
    return fits(why) && why;
  });
}

function relayPath({ path }: WhyJson): Extract<NonNullable<WhyJson['path']>, { kind: 'relay' }> {
  if (path?.kind !== 'relay') throw new Error('not the path of a relay');
  return path;
}

const peerOf = async (mesh: MeshProcess): Promise<string> => (await mesh.client.status()).peer;

beforeAll(async () => {
  [relay1, relay2] = await Promise.all([MeshProcess.start({ env: TIGHT }), MeshProcess.create()]);
  leaf = await MeshProcess.start({ peers: [relay2.url] });
  await leaf.client.join('#dev');
});

it('a tap is not for the token of an agent', async () => {
  const { url, token } = findDaemon(leaf.data, AGENT_TOKEN_FILE);
  const refused = await fetch(`${url}/v1/tap`, { headers: { authorization: `Bearer ${token}` } });
  expect([refused.status, await refused.json()]).toMatchObject([403, { code: 'forbidden' }]);
});

describe('a message that goes nowhere', () => {
  it('without a link waits for the next dial of an address', async () => {
    early = await send(leaf, '#dev', 'is anybody there?');
    const why = await whyWhen(leaf, early, ({ delivery }) => {
      return delivery?.missing.kind === 'no-link' && delivery.missing.next.lastError !== null;
    });
    expect(why).toMatchObject({ own: true, role: 'leaf', delivery: { state: 'queued', takenBy: [] } });
    expect(why.delivery?.missing).toMatchObject({ next: { url: `${relay2.url}/`, addresses: 1 } });
    const text = await textOf(leaf, early.slice(0, 6));
    expect(text).toMatch(/^Waiting: it is on this disk only; no link is up\.\n/);
    expect(text).toContain('ECONNREFUSED');
    expect(text).toContain('no home relay is linked');
  });

  it('that only a leaf took is relayed and waits for a relay', async () => {
    const peer = await RawPeer.link(relay1);
    peer.send({ type: 'role', relay: false, live: true });
    peer.send({ type: 'holds', reset: false, set: [{ tag: LOBBY, floorHour: 0 }], unset: [] });
    await peer.settle();
    const id = await send(relay1, 'lobby', 'who keeps this?');
    await peer.next('push', ({ messages }) => messages.some(({ idText }) => idText === id));
    const why = await whyWhen(relay1, id, ({ delivery }) => delivery?.state === 'relayed');
    expect(why.delivery).toMatchObject({
      takenBy: [{ peer: peer.id }],
      storedBy: [],
      missing: { kind: 'no-relay', leaves: [peer.id], moreLeaves: 0 },
    });
    expect(relayPath(why).leaves).toEqual([{ peer: peer.id, live: true }]);
    expect(await textOf(relay1, id)).toContain(`${peer.id.slice(0, 8)} is a leaf: its word does not count.`);
    peer.close();
  });

  it('that is put off by a rate says so, and when it is fetched', async () => {
    const peer = await RawPeer.link(relay1);
    const loud = new Author();
    const count = LIMITS.authorBurst + LIMITS.commonBurst + 10;
    const timeMs = Date.now();
    const messages = Array.from({ length: count }, (_, i) =>
      loud.write({ body: `${i}`, time: { timeMs, counter: i } }),
    );
    for (let i = 0; i < count; i += 100)
      peer.send(pushOf(messages.slice(i, i + 100).map(({ wire }) => wire)));
    await peer.settle();
    const last = messages.at(-1)?.idText ?? '';
    const why = await whyWhen(relay1, last, ({ here }) => here.state === 'wanted');
    expect(why).toMatchObject({
      own: false,
      message: { channel: 'lobby', author: loud.idText },
      here: { fetching: 'not-yet', links: 0 },
      agent: null,
    });
    expect(await textOf(relay1, last)).toMatch(
      /^Put off: [\s\S]*as soon as a peer is linked that has the channel too/,
    );
    peer.close();
  });

  it('that nobody here has heard of is unknown, with exit code 1; a word that is no id is a wrong command line, 2', async () => {
    const { code, stdout, stderr } = await runMesh(['why', early, '--json', '--data', relay1.data]);
    expect([code, stdout, JSON.parse(stderr)]).toMatchObject([1, '', { code: 'not_found' }]);
    const short = await runMesh(['why', 'abc', '--data', relay1.data]);
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('at least the first 6')]);
  });
});

describe('a message across two relays', () => {
  let atLeaf: TapProcess;

  beforeAll(async () => {
    await relay1.client.join('#dev');
    // The leaf is tapped from before its first link on.
    atLeaf = await TapProcess.start(leaf);
    await relay2.restart({ peers: [relay1.url], env: { MESH_RATE_LEAF: '0' } });
    await relay2.hasLinks(2);
  });

  it('is stored at the home relay, which counts', async () => {
    const home = await peerOf(relay2);
    const why = await whyWhen(leaf, early, ({ delivery }) => delivery?.state === 'stored');
    expect(why.delivery).toMatchObject({
      storedBy: [{ peer: home, standing: 'home' }],
      takenBy: [{ peer: home }],
      missing: { kind: 'nothing' },
    });
    const holding = await whyWhen(
      leaf,
      early,
      ({ path }) => path?.kind === 'leaf' && path.home[0]?.holds === true,
    );
    expect(holding.path).toEqual({
      kind: 'leaf',
      home: [{ peer: home, live: true, told: true, holds: true, keepsMailbox: true }],
    });
    expect(await textOf(leaf, early)).toMatch(/^Stored: the relay [\w-]{8} has it on its disk\.\n/);
  });

  it('has a path on the map, hop by hop, from where it entered the mesh', async () => {
    const [own, other, author] = (await Promise.all([relay1, relay2, leaf].map(peerOf))) as [
      string,
      string,
      string,
    ];
    // The map comes by records of its own.
    const isThere = ({ path }: WhyJson) =>
      path?.kind === 'relay' && path.relays.length === 2 && path.interested === 2;
    await whyWhen(relay2, early, isThere);
    const id = await send(leaf, '#dev', 'along the tree');
    await until('it comes to the other relay', async () =>
      (await relay1.read('#dev')).some((one) => one.id === id),
    );
    const far = await whyWhen(relay1, id, isThere);
    expect(far).toMatchObject({ here: { state: 'held' }, came: { peer: other, root: other } });
    expect(relayPath(far)).toMatchObject({
      root: { peer: other, basis: 'came', known: true },
      relays: [
        { peer: other, parent: null, depth: 0, interested: true, linked: true, own: false },
        { peer: own, parent: other, depth: 1, interested: true, own: true },
      ],
      ...{ moreRelays: 0, interested: 2, cut: [] },
    });
    const near = await whyWhen(relay2, id, isThere);
    expect(near.came).toMatchObject({ peer: author, root: other });
    expect(relayPath(near).leaves).toEqual([{ peer: author, live: true }]);
    const text = await textOf(relay1, id);
    expect(text).toContain(`from ${other.slice(0, 8)}, where it entered the mesh:`);
    expect(text).toMatch(
      new RegExp(`^ {4}${own.slice(0, 8)} at ${relay1.url}/?: this relay, wants the channel$`, 'm'),
    );
  });

  it('is stored while a tap is open that nobody reads, which loses frames and is told how many', async () => {
    const stalled = await stall(relay2);
    const id = await send(leaf, '#dev', 'not held up');
    await whyWhen(leaf, id, ({ delivery }) => delivery?.state === 'stored');
    await stalled.end();
  });

  it('is seen by taps at both ends, in the order in which it passes', async () => {
    const atRelay = await TapProcess.start(relay2, '--type', 'push,stored,refused,error');
    const peer = await RawPeer.link(relay2);
    await peer.settle();
    peer.send(new Uint8Array([0xff, 0x00, 0x01])); // no frame
    await peer.next('error');
    const id = await send(leaf, '#dev', 'watched');
    const why = await whyWhen(leaf, id, ({ delivery }) => delivery?.state === 'stored');
    expect(why.id).toBe(id);
    peer.close();

    const [home, author] = await Promise.all([relay2, leaf].map(peerOf));
    const [cut] = await Promise.all([cutOff(id), leaf.stop()]);
    const ended = Promise.all([atLeaf.ended, atRelay.ended]);
    expect(await within('both taps end with their daemons', ended)).toEqual([0, 0]);
    const [seenAtLeaf, seenAtRelay] = [atLeaf.items, atRelay.items];
    expect(passagesOf(seenAtLeaf, id)).toEqual([`out push ${home}`, `in stored ${home}`]);
    expect(passagesOf(seenAtRelay, id)).toEqual(
      expect.arrayContaining([`in push ${author}`, `out push ${cut.other}`, `out stored ${author}`]),
    );
    const push = seenAtLeaf.find((item) => item.kind === 'frame' && item.type === 'push');
    expect(push).toMatchObject({ protocol: 'mesh/2', fields: { keep: true } });
    // From the first text of the link on, and nothing that was not asked for.
    const types = seenAtLeaf.flatMap((item) => (item.kind === 'frame' ? [item.type] : []));
    expect(types).toEqual(expect.arrayContaining(['handshake', 'auth', 'role', 'holds', 'ping', 'pong']));
    const named = seenAtRelay.flatMap((item) => (item.kind === 'frame' ? [item.type] : [item.kind]));
    expect([...new Set(named)].sort()).toEqual(['begun', 'ended', 'error', 'push', 'refused', 'stored']);
    expect(seenAtRelay.find(({ kind }) => kind === 'refused')).toMatchObject({
      ...{ code: 'invalid_message', head: 'ff0001', peer: peer.id, direction: 'in', bytes: 3 },
    });
  });

  /** The first relay stops: what its message needs is told by the second one, which stops as well. */
  async function cutOff(id: string): Promise<{ other: string }> {
    const other = await peerOf(relay1);
    await relay1.stop();
    const why = await whyWhen(relay2, id, (one) => relayPath(one).cut.length > 0);
    expect(relayPath(why)).toMatchObject({
      relays: [{ own: true, interested: true }],
      cut: [{ peer: other, why: 'not-mutual' }],
    });
    expect(await textOf(relay2, id)).toMatch(
      new RegExp(`^Cut off: ${other.slice(0, 8)} at ${relay1.url}/? wants #dev`, 'm'),
    );
    await relay2.stop();
    return { other };
  }
});

/** Direction, type and peer of the frames that carry or confirm a message. */
function passagesOf(items: readonly TapItemJson[], id: string): string[] {
  return items.flatMap((item) => {
    if (item.kind !== 'frame' || (item.type !== 'push' && item.type !== 'stored')) return [];
    return JSON.stringify(item.fields).includes(id) ? [`${item.direction} ${item.type} ${item.peer}`] : [];
  });
}

/** Opens a tap and reads nothing of it while far more passes than anything between here and there can hold. */
async function stall(mesh: MeshProcess): Promise<{ end: () => Promise<void> }> {
  const { url, token } = findDaemon(mesh.data);
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    http.get(`${url}/v1/tap`, { headers, agent: false }, resolve).on('error', reject);
  });
  response.pause();
  const peer = await RawPeer.link(mesh);
  // One message again and again: cheap for the daemon, and six times as large where it is shown.
  const { wire } = new Author().write({ body: '\u0001'.repeat(2000) });
  const frame = pushOf(Array(16).fill(wire), { keep: false });
  for (let n = 0; n < STALL_FRAMES; n++) peer.send(frame);
  await peer.settle();
  expect((await mesh.client.status()).links.length).toBeGreaterThan(0);
  peer.close();
  return {
    end: async () => {
      let rest = '';
      let lost = 0;
      response.setEncoding('utf8').resume();
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (!line.startsWith('data: {"kind":"lost"')) continue;
          lost += (JSON.parse(line.slice('data: '.length)) as { frames: number }).frames;
        }
      });
      await until('what was lost is told', () => lost > 0);
      response.destroy();
    },
  };
}
