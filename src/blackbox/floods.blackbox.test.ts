/** Too much of everything, against daemons whose memory is watched from outside. */
import net from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Bytes, toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { LIMITS, MiB } from '../core/limits.ts';
import { interestIn } from '../core/membership/records.fixture.ts';
import type { RecordHead } from '../core/wire/frame.ts';
import { sha256 } from '../crypto/index.ts';
import { Author, type Crafted, NETWORK, pushOf } from './testing/author.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { Choices } from './testing/random.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';

/**
 * The most that a daemon may occupy, against what it occupied before. What comes in during each test is several times
 * this, so that keeping it would be seen, and a heap before its next collection is not.
 */
const FLAT = 2;

const author = new Author();
const tagOf = (channel: string) => toBase64url(channelTag(sha256, NETWORK, channel));
/** bans as by default */
let strict: MeshProcess;
/** never bans, and reads what comes as fast as it can: what is looked at is what each frame does */
let patient: MeshProcess;
const peers: RawPeer[] = [];

beforeAll(async () => {
  [strict, patient] = await Promise.all([
    MeshProcess.start(),
    MeshProcess.start({ env: { MESH_BAN_THRESHOLD: '0', MESH_RATE_LEAF: '0' } }),
  ]);
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

const linked = async (mesh: MeshProcess): Promise<RawPeer> => {
  const peer = await RawPeer.link(mesh);
  peers.push(peer);
  return peer;
};

/** The tags of the daemon's interest record as it tells a relay, once they are as they should be. */
async function interestOf(
  mesh: MeshProcess,
  fits: (tags: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const { peer: id } = await mesh.client.status();
  const relay = await RawPeer.link(mesh, undefined, { relay: true });
  peers.push(relay);
  const want = (heads: readonly RecordHead[]): void =>
    relay.send({ type: 'want', heads: heads.map((head) => ({ ...head, sequence: 0 })) });
  relay.onFrame = (frame) => {
    if (frame.type === 'have') want(frame.heads);
  };
  for (const { heads } of relay.all('have')) want(heads);
  return until('the record tells it', () => {
    const tags = interestIn(
      relay.all('records').flatMap(({ records }) => records),
      id,
    )?.texts();
    return tags && fits(tags) && tags;
  });
}

/** A message of an honest author goes through this link as on any day. */
async function expectWorking(honest: RawPeer): Promise<void> {
  const { idText, wire } = author.write();
  honest.send(pushOf([wire]));
  await until('the honest link works', () => honest.stored.has(idText));
  expect(honest.errors).toEqual([]);
}

describe('a peer that offends', () => {
  it('is banned at the threshold, and refused when it comes back; others are not', async () => {
    const honest = await linked(strict);
    const peer = await linked(strict);
    for (let i = 0; i < LIMITS.banThreshold; i++) peer.send(Uint8Array.of(0));
    expect((await peer.end()).reason).toMatch(/^banned/);
    expect(peer.errors.at(-1)).toBe('banned');
    const again = await RawPeer.connect(strict, peer.signer);
    await again.greet();
    await again.end();
    expect(again.errors).toEqual(['banned']);
    await expectWorking(honest);
    expect((await strict.linked()).sort()).toEqual([honest.id].sort());
  });

  it('gets through 20,000 frames of rubbish at a daemon that never bans, and leaves it as it was', async () => {
    const choices = new Choices('rubbish');
    const honest = await linked(patient);
    const peer = await linked(patient);
    const before = patient.memory() ?? 0;
    const total = 20_000;
    for (let i = 1; i <= total; i++) {
      const bytes = choices.bytes(choices.between(2, 400));
      // A third begins as a real frame does, so that it gets further into the decoder.
      if (i % 3 === 0) bytes.set([0x80 + choices.between(1, 6), choices.between(1, 22)]);
      peer.send(bytes);
      if (i % 2000 === 0) await peer.settle();
    }
    expect(peer.closed).toBeUndefined();
    const counted = await patient.offences(peer.id, total * 0.95);
    expect(counted.at(-1)?.count).toBeGreaterThan(total * 0.95);
    await expectWorking(honest);
    expect(patient.memory() ?? 0).toBeLessThan(FLAT * before);
  });
});

describe('a leaf that wants everything', () => {
  it('is held to 4,096 channels, counted for each frame beyond them, and banned if it goes on', async () => {
    const honest = await linked(strict);
    const peer = await linked(strict);
    const before = strict.memory() ?? 0;
    const floorHour = Math.floor(Date.now() / 3_600_000) - 1;
    const perFrame = 100;
    for (let first = 0; first < 10_000; first += perFrame) {
      const set = Array.from({ length: perFrame }, (_, i) => ({ tag: tagOf(`#${first + i}`), floorHour }));
      peer.send({ type: 'holds', reset: false, set, unset: [] });
    }
    expect((await peer.end()).reason).toMatch(/^banned/);
    const details = (await strict.offences(peer.id, LIMITS.banThreshold)).map(({ detail }) => detail);
    expect(new Set(details)).toEqual(new Set([`more than ${LIMITS.tagsMax} channels`]));
    await expectWorking(honest);
    expect(strict.memory() ?? 0).toBeLessThan(FLAT * before);
  });
});

describe('an absent peer that wants everything kept', () => {
  it('gets 64 channels kept, however many it names and however often, and these are held after it left', async () => {
    const honest = await linked(strict);
    const before = strict.memory() ?? 0;
    const mailboxes = 3;
    const tags = Array.from({ length: mailboxes * LIMITS.tagsMax }, (_, i) => tagOf(`#kept ${i}`));
    const peer = await linked(strict);
    for (let i = 0; i < mailboxes; i++)
      peer.send({ type: 'mailbox', tags: tags.slice(i * LIMITS.tagsMax, (i + 1) * LIMITS.tagsMax) });
    await until('each is answered', () => peer.all('mailbox-kept').length === mailboxes);
    for (const kept of peer.all('mailbox-kept')) expect(kept.tags).toHaveLength(LIMITS.mailboxTagsMax);
    peer.close();
    // What is held is told to relays: the last 64 of this peer, and nothing else of all that.
    const last = new Set(peer.all('mailbox-kept').at(-1)?.tags);
    const held = await interestOf(strict, (told) => told.some((tag) => last.has(tag)));
    const asked = new Set(tags);
    expect(new Set(held.filter((tag) => asked.has(tag)))).toEqual(last);
    await expectWorking(honest);
    expect(strict.memory() ?? 0).toBeLessThan(FLAT * before);
  });
});

describe('10,000 sockets', () => {
  it('are refused at the limit; a proven link goes on, and places become free again', async () => {
    const honest = await linked(strict);
    const before = strict.memory() ?? 0;
    const open = new Set<net.Socket>();
    const ownSockets = strict.sockets() ?? 0;
    let most = 0;
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(
        Array.from(
          { length: 500 },
          () =>
            new Promise<void>((resolve) => {
              const socket = net.connect(strict.port, '127.0.0.1');
              open.add(socket);
              socket.on('error', () => undefined); // its end is what counts
              socket.once('close', () => {
                open.delete(socket);
                resolve();
              });
              // Whoever is let in gets no answer to half a request: then it is open and waits.
              socket.once('connect', () => socket.write('GET / HTTP/1.1\r\n', () => resolve()));
            }),
        ),
      );
      // Never more than the unfinished handshakes that it allows, and a few of the API and of this very moment.
      expect((strict.sockets() ?? 0) - ownSockets).toBeLessThanOrEqual(2 * LIMITS.handshakesMax);
      await until('the daemon has refused those above its limit', () => open.size <= LIMITS.handshakesMax);
      most = Math.max(most, open.size);
      if (batch % 5 === 0) await expectWorking(honest);
    }
    expect(most).toBeGreaterThan(0);
    expect(strict.memory() ?? 0).toBeLessThan(FLAT * before);
    for (const socket of open) socket.destroy();
    const next = await until('a stranger gets in again', () => linked(strict).catch(() => undefined));
    await expectWorking(next);
  });
});

describe('slow readers', () => {
  /** Fills a channel with 20 MB. */
  async function fill(mesh: MeshProcess, channel: string): Promise<{ ids: Uint8Array[]; bytes: number }> {
    const writer = await linked(mesh);
    const body = 'x'.repeat(60_000);
    const messages: Crafted[] = [];
    for (let i = 0; i < 350; i++) {
      const time = { timeMs: Date.now(), counter: i };
      const message = author.write({ channel, body: `${i} ${body}`, time });
      messages.push(message);
      writer.send(pushOf([message.wire]));
      // Between signatures other links of this process answer pings, however slow it is.
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('20 MB are stored', () => messages.every(({ idText }) => writer.stored.has(idText)));
    return { ids: messages.map(({ id }) => id), bytes: 350 * body.length };
  }

  /** A peer that asks for all of it, and reads. */
  async function readAll(ids: readonly Bytes[]): Promise<void> {
    const reading = await linked(patient);
    reading.send({ type: 'fetch', ids });
    await until(
      'the reader has all',
      () => reading.all('fetched').flatMap(({ messages }) => messages).length === 350,
    );
  }

  it('that ask for 20 MB each and read nothing cost a bounded queue each, and nobody else anything', async () => {
    const honest = await linked(patient);
    const { ids, bytes } = await fill(patient, '#big');
    // Serving makes garbage, and the heap grows to what that takes: that is not what is measured here.
    for (let i = 0; i < 3; i++) await readAll(ids);
    const before = patient.memory() ?? 0;
    const readers: RawPeer[] = [];
    for (let i = 0; i < 12; i++) readers.push(await linked(patient));
    for (const reader of readers) {
      reader.socket.pause();
      reader.send({ type: 'fetch', ids });
    }
    // One of them asks for more than may wait, again and again.
    const greedy = readers[1] as RawPeer;
    for (let asked = 0; asked <= 2 * LIMITS.servingMax; asked += ids.length)
      greedy.send({ type: 'fetch', ids });
    expect((await patient.offences(greedy.id, 1))[0]).toMatchObject({ offence: 'unasked' });
    await expectWorking(honest);
    // Somebody who does read gets all of it meanwhile: by then the daemon has had every chance to fill the queues.
    await readAll(ids);
    expect((patient.memory() ?? 0) - before).toBeLessThan((readers.length * bytes) / 2);
    expect(patient.memory() ?? 0).toBeLessThan(FLAT * before);
    // Whoever reads again later gets what it asked for: it was throttled, not forgotten.
    const late = readers[0] as RawPeer;
    late.socket.resume();
    await until(
      'the throttled one has all, or was told why not',
      () =>
        late.closed !== undefined || late.all('fetched').flatMap(({ messages }) => messages).length === 350,
    );
  });

  it('that get 20 MB pushed and read nothing are closed or skipped, and a reader beside them gets all', async () => {
    const floorHour = Math.floor(Date.now() / 3_600_000) - 1;
    const tag = tagOf('#live');
    const listen = async (): Promise<RawPeer> => {
      const peer = await linked(patient);
      peer.send({ type: 'role', relay: false, live: true });
      peer.send({ type: 'holds', reset: false, set: [{ tag, floorHour }], unset: [] });
      await peer.settle();
      return peer;
    };
    const reader = await listen();
    const before = patient.memory() ?? 0;
    const deaf: RawPeer[] = [];
    for (let i = 0; i < 8; i++) deaf.push(await listen());
    for (const peer of deaf) peer.socket.pause();
    // They go on talking, so that silence is not what ends them.
    const talking = setInterval(() => {
      for (const [n, peer] of deaf.entries())
        if (peer.socket.readyState === 1) peer.send({ type: 'pong', n });
    }, 200);
    try {
      const { ids } = await fill(patient, '#live');
      const got = () =>
        new Set(reader.all('push').flatMap(({ messages }) => messages.map(({ idText }) => idText)));
      await until('the reader has all that was pushed', () => {
        const missing = ids.filter((id) => !got().has(toBase64url(id)));
        return missing.length < ids.length / 2; // what its own full queue dropped comes by catch-up
      });
    } finally {
      clearInterval(talking);
    }
    expect(patient.memory() ?? 0).toBeLessThan(FLAT * before + deaf.length * 2 * MiB);
    await reader.settle();
  });
});
