/** One link: what is known of the socket, the handshake and the peer at the other end. */
import type { Bytes } from '../bytes.ts';
import type { LinkId, Scope } from '../contract.ts';
import type { ErrorCode } from '../errors.ts';
import type { Frame } from '../wire/frame.ts';
import type { Mesh1Hello } from '../wire/handshake.ts';

export type Offence = 'malformed' | 'broken-promise' | 'unasked';

/** What takes the frames of a link that has no socket: other relays carry them (`sync/tunnels.ts`). */
export interface Carrier {
  /** @param onFlushed called when the next one may follow; never if it was dropped or the way is gone */
  send(frame: Bytes, onFlushed: (() => void) | undefined): void;
  close(): void;
}

export interface Link {
  /** below 0 where there is no socket */
  readonly id: LinkId;
  readonly role: 'dialler' | 'responder';
  /** the URL that we dialled, '' for a responder */
  readonly url: string;
  readonly scope: Scope;
  /** network address of the other end as the host of a URL, '' if it is not known */
  readonly host: string;
  readonly nonce: Bytes;
  ephemeral: Bytes;
  openedMs: number;
  /** `mesh1`: the other side speaks mesh/1, and proves nothing */
  phase: 'handshake' | 'auth' | 'agreeing' | 'up' | 'mesh1' | 'closed';
  ownText: string;
  theirText: string;
  /** proven from phase `agreeing` on */
  peer: string;
  peerKey: Bytes;
  theirEphemeral: Bytes;
  /** base64url of the start's random number */
  instance: string;
  /** the URL that the other side dialled, '' if we are the dialler */
  theirUrl: string;
  agent: string;
  /** whether the peer says that it is a relay */
  remoteRelay: boolean;
  /** whether we are this leaf's live relay (told by the leaf) */
  remoteLive: boolean;
  upMs: number;
  upWallMs: number;
  heardMs: number;
  pingedMs: number;
  pings: number;
  /** the last ping that was answered, and how long that took; 0 and undefined before the first */
  ponged: number;
  roundTripMs: number | undefined;
  /** how far away it is, ms: the round trip, where longer ones count little, because one end was busy then */
  distanceMs: number | undefined;
  /** we do not read it before */
  pausedUntilMs: number;
  /** what to call when frames leave the queue, by their numbers */
  readonly unflushed: Map<number, (link: Link) => void>;
  /** from `auth` on, what goes over it are sealed records; known when both handshake texts are */
  isSealed: boolean;
  /** the other side dialled us over TLS, or we did */
  isTls: boolean;
  hasSentAuth: boolean;
  /** for one comparison of what both hold, and no neighbourhood (`sync/visits.ts`); the dialler says so in its handshake */
  isVisit: boolean;
  readonly carrier: Carrier | undefined;
  /** what came after their `auth` and before the link was up: frames, or records where it is sealed */
  readonly early: Bytes[];
  earlyBytes: number;
}

const NO_BYTES = new Uint8Array(0);

/** A link of which nothing is known but how it began. Nothing is proven of it. @param nowMs monotonic */
export function newLink(
  begun: Pick<Link, 'id' | 'role' | 'url' | 'scope' | 'host' | 'nonce' | 'ephemeral' | 'isVisit'>,
  nowMs: number,
  carrier?: Carrier,
): Link {
  const { id, role, url, scope, host, nonce, ephemeral, isVisit } = begun;
  return {
    ...{ id, role, url, scope, host, nonce, ephemeral, isVisit, carrier },
    ...{ openedMs: nowMs, phase: 'handshake', ownText: '', theirText: '', hasSentAuth: false },
    ...{ peer: '', peerKey: NO_BYTES, theirEphemeral: NO_BYTES, instance: '', theirUrl: '', agent: '' },
    ...{ remoteRelay: false, remoteLive: false, isSealed: false, isTls: url.startsWith('wss:') },
    ...{ upMs: 0, upWallMs: 0, heardMs: nowMs, pausedUntilMs: 0 },
    ...{ pingedMs: nowMs, pings: 0, ponged: 0, roundTripMs: undefined, distanceMs: undefined },
    ...{ unflushed: new Map(), early: [], earlyBytes: 0 },
  };
}

/** Both sides are proven: nothing asks again for what the proofs covered, 1.4 kB of a link that may stand for weeks. */
export function forgetHandshake(link: Link): void {
  link.ownText = '';
  link.theirText = '';
  link.ephemeral = NO_BYTES;
  link.theirEphemeral = NO_BYTES;
}

/** What the link is for, seen from here. */
export type LinkKind = 'overlay' | 'home-live' | 'home-standby' | 'leaf' | 'visit';

/** The proven peer at the other end, or what explanations call it where nobody proved anything. */
export function nameOf(link: Link): string {
  if (link.carrier) return 'tunnel';
  return link.phase === 'mesh1' || link.peer === '' ? 'mesh/1' : link.peer;
}

/** The next ping over a link, which notes when it went. */
export function nextPing(link: Link, nowMs: number): Extract<Frame, { type: 'ping' }> {
  link.pingedMs = nowMs;
  link.pings++;
  return { type: 'ping', n: link.pings };
}

/** A longer round trip moves the distance by a part of the difference, as TCP smooths its own (RFC 6298). */
const LONGER_SHARE = 8;

/** Notes how long the answer to the last ping took. Late answers, repeated ones and made-up ones say nothing. */
export function notePong(link: Link, n: number, nowMs: number): void {
  if (n !== link.pings || n === link.ponged) return;
  link.ponged = n;
  const tripMs = nowMs - link.pingedMs;
  link.roundTripMs = tripMs;
  const beforeMs = link.distanceMs ?? tripMs;
  link.distanceMs = tripMs < beforeMs ? tripMs : beforeMs + (tripMs - beforeMs) / LONGER_SHARE;
}

/** Who is told what happens to links with mesh/1 peers. */
export interface Mesh1Listener {
  /** why this one is not taken, undefined if it is */
  readonly refusal: (link: Link, hello: Mesh1Hello) => Refusal | undefined;
  readonly up: (link: Link, hello: Mesh1Hello) => void;
  readonly text: (link: Link, text: string) => void;
  /** something over it was wrong that its neighbours may have written */
  readonly offence: (link: Link) => void;
  readonly down: (link: Link) => void;
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
}
