/** A link over which channels are shared, with a set of messages at its far end that is reconciled by hand. */
import { type Bytes, toHex, utf8 } from '../bytes.ts';
import { HOUR, SECOND } from '../limits.ts';
import { sha256 } from '../message/message.fixture.ts';
import { Bench, EPOCH_MS } from '../peer.fixture.ts';
import type { Position } from '../persistence.ts';
import type { Remote } from '../remote.fixture.ts';
import { FarSet } from './far-set.fixture.ts';
import { createSetStore, fill, series } from './set-store.fixture.ts';

/** A message of one range: a fingerprint of everything. */
export const everything = (print: Bytes): Bytes => Uint8Array.of(0x61, 0, 0, 1, ...print);
export const REFUSED = new Uint8Array(0);
export const MALFORMED = Uint8Array.of(0x61, 0, 0, 7);
export const printOf = (n: number): Bytes => sha256(utf8(`print ${n}`)).slice(0, 16);

/** Places of messages that nobody ever sees. */
export function places(count: number, label = 'place'): Position[] {
  return Array.from({ length: count }, (_, i) => ({
    time: { timeMs: EPOCH_MS - (count - i) * SECOND, counter: 0 },
    id: sha256(utf8(`${label} ${i}`)),
  }));
}

/** Ids in hexadecimal, ascending, as all below. */
export const idsOf = (positions: readonly Position[]): string[] =>
  positions.map(({ id }) => toHex(id)).sort();
export const asked = (remote: Remote): number[] => remote.got('reconcile').map(({ number }) => number);
export const answered = (remote: Remote): number[] => remote.got('reconciled').map(({ number }) => number);
export const fetched = (remote: Remote): string[] =>
  remote
    .got('fetch')
    .flatMap(({ ids }) => ids.map((id) => toHex(id)))
    .sort();
export const offered = (remote: Remote): string[] =>
  remote
    .got('offer')
    .flatMap(({ ids }) => ids.map((id) => toHex(id)))
    .sort();
export const wanted = (bench: Bench): number => bench.peer.footprint().wantedIds?.size ?? 0;
export const offences = (bench: Bench): unknown[] => bench.reports('offence').map(({ code }) => code);

/** Answers everything that is asked for by id with "not held", until nothing more is. Forgets what else came. */
export function denyAll(bench: Bench, remote: Remote): void {
  for (let frames = remote.frames.splice(0); frames.length > 0; frames = remote.frames.splice(0)) {
    for (const frame of frames)
      if (frame.type === 'fetch') remote.send({ type: 'fetched', messages: [], notHeld: frame.ids });
    bench.run(10);
  }
}

const RECENTLY = Math.floor(EPOCH_MS / HOUR) - 20;

interface Options {
  readonly channels?: readonly string[];
  /** what lies in our store */
  readonly own?: number;
  /** the far end's floor, in hours since 1970: 20 hours ago without it */
  readonly since?: number;
}

/** A link over which a channel is shared, and a store that answers. */
function link(role: 'dialler' | 'responder', { channels = ['dev'], own = 0, since = RECENTLY }: Options) {
  const store = createSetStore();
  const bench = new Bench({ store, state: { joined: channels } });
  const messages = series(bench, own);
  fill(store, messages);
  const remote = bench.connect('far', role === 'responder' ? { role, relay: true } : { role, live: true });
  for (const channel of channels) new FarSet(remote, [], { channel, floorHour: since }).tell();
  bench.run(100);
  const told = [remote.got('holds')[0]?.set[0], remote.got('sums')[0]?.sums[0]];
  const floorHour = Math.max(since, told.find((one) => one !== undefined)?.floorHour as number);
  const set = (items: readonly Position[], channel = 'dev') =>
    new FarSet(remote, items, { channel, floorHour });
  return { bench, store, remote, messages, floorHour, set };
}

/** We dialled: we ask. */
export const initiator = (options: Options = {}) => link('responder', options);
/** We were dialled: we answer. */
export const responder = (options: Options = {}) => link('dialler', options);
