/**
 * A relay in the middle of a small map, with neighbours played by the test:
 *
 *   far - a - (the bench) - b
 *
 * `b` is interested in `dev`, `a` is not unless asked for. Leaves can be added.
 */
import { shortId } from '../link/links.ts';
import { idOf, interestRecord, peerRecord, sendRecords } from '../membership/records.fixture.ts';
import { type Author, authorOf, openclaw } from '../message/message.fixture.ts';
import { buildMessage, type Message } from '../message/message.ts';
import { Bench, type BenchOptions, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';

export interface SmallMesh {
  readonly bench: Bench;
  readonly a: Remote;
  readonly b: Remote;
  readonly far: Author;
}

export interface MeshOptions extends BenchOptions {
  readonly channel?: string;
  /** `a` is interested as well */
  readonly both?: boolean;
}

export function createMesh(options: MeshOptions = {}): SmallMesh {
  const bench = new Bench(options);
  const a = bench.connect('relay a', { relay: true });
  const b = bench.connect('relay b', { relay: true });
  bench.run(3000);
  const far = authorOf('far relay');
  const sequence = Math.floor(bench.now.wallMs);
  const tags = [tagOf(options.channel ?? 'dev')];
  sendRecords(
    a,
    peerRecord(a.key, { sequence, links: [bench.peerId, idOf(far)] }),
    peerRecord(far, { sequence, links: [a.id] }),
    interestRecord(a.key, sequence, options.both ? tags : []),
  );
  sendRecords(
    b,
    peerRecord(b.key, { sequence, links: [bench.peerId] }),
    interestRecord(b.key, sequence, tags),
  );
  bench.run(3000);
  for (const remote of [a, b]) remote.clear();
  return { bench, a, b, far };
}

/** A leaf that wants `channels`. */
export function addLeaf(bench: Bench, name: string, live: boolean, ...channels: readonly string[]): Remote {
  const leaf = bench.connect(name, { live });
  const set = channels.map((channel) => ({ tag: tagOf(channel), floorHour: 0 }));
  leaf.send({ type: 'holds', reset: false, set, unset: [] });
  bench.run(2000);
  leaf.clear();
  return leaf;
}

export interface PushOptions {
  /** id text of the root; '' makes the receiver the root */
  readonly root?: string;
  readonly keep?: boolean;
}

export function push(remote: Remote, messages: readonly Message[], options: PushOptions = {}): void {
  const root = options.root ?? '';
  remote.send({
    type: 'push',
    root: root === '' ? '' : shortId(root),
    keep: options.keep ?? false,
    messages,
  });
}

/** Bodies that a remote end was pushed, in order. */
export function pushed(remote: Remote): string[] {
  return remote.got('push').flatMap(({ messages }) => messages.map(({ body }) => body));
}

export function announced(remote: Remote): number {
  return remote.got('announce').flatMap(({ ids }) => ids).length;
}

/** Bodies given to the store, in order. */
export function stored(bench: Bench): string[] {
  return bench.ops('message').map(({ message }) => message.message.body);
}

/** The same id with a signature that nobody made. */
export function junk(message: Message): Message {
  const { bytes, body, payload } = message;
  return buildMessage(openclaw, { bytes, body, payload, signature: new Uint8Array(64).fill(3) });
}
