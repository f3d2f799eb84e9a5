/**
 * Why a message is where it is: joins what the store, the core and the desk of the agent know of one id. Read only; made
 * when somebody asks, and bounded: one row, one walk over what passed lately, one tree of the map.
 */

import { toBase64url } from '../../core/bytes.ts';
import type { Now } from '../../core/contract.ts';
import { MeshError } from '../../core/errors.ts';
import type { Explanation, MessageHead, Question } from '../../core/explain/explain.ts';
import { isExpired } from '../../core/message/message.ts';
import type { PeerSnapshot } from '../../core/peer-types.ts';
import type { KnownMessage, Statement, Store, StoredMessage } from '../../store/index.ts';
import type { AgentWhyView } from '../desk/views.ts';
import { isoTime, isShown } from '../views.ts';
import { deliveryWhy } from './delivery-why.ts';
import { ambiguous, rangeOf } from './ids.ts';
import { pathView } from './path-view.ts';
import type { EquivocationView, HereView, WhyView } from './why-view.ts';

/** The core, as far as it answers questions about messages. */
export interface Explainer {
  explain(question: Question, now: Now): Explanation;
  recentIds(prefix: string, limit: number): string[];
  snapshot(now: Now): PeerSnapshot;
}

export interface WhyParts {
  readonly core: Explainer;
  readonly store: Pick<Store, 'known' | 'readMessage' | 'equivocation'>;
  readonly clock: () => Now;
  /** this daemon as a peer */
  readonly peer: string;
  readonly agent: { why(stored: StoredMessage): AgentWhyView };
}

/** Says that nothing is known, and what that can mean. */
function unknown(id: string): MeshError {
  return new MeshError(
    'not_found',
    `This daemon knows no message ${id}. Either it has not come yet, or it only passed through more than two minutes ago, or its expiry or the retention of its channel has removed it. Ask the daemon that sent it.`,
  );
}

/** The whole id that `text` stands for, with what the store knows of it. Throws `bad_request` and `not_found`. */
function find({ core, store }: WhyParts, text: string): { id: string; known: KnownMessage | undefined } {
  const rows = store.known(rangeOf(text), 2);
  const ids = [...new Set([...rows.map(({ id }) => id), ...core.recentIds(text, 2)])];
  const [id, other] = ids;
  if (id === undefined) throw unknown(text);
  if (other !== undefined) throw ambiguous(text, ids);
  return { id, known: rows.find((row) => row.id === id) };
}

function headOf({ channel, author, time, expiresMs }: KnownMessage): MessageHead {
  return { channel, author, time, expiresMs };
}

function whyPassed({ keeping }: Explanation, { time }: MessageHead): HereView {
  const because = (): 'not-held' | 'below-floor' | 'no-room' | 'not-yet' => {
    if (keeping?.isHeld !== true) return 'not-held';
    if (time.timeMs < keeping.floorMs) return 'below-floor';
    return keeping.takes ? 'not-yet' : 'no-room';
  };
  return { state: 'passed', because: because() };
}

function hereOf(known: KnownMessage | undefined, facts: Explanation, wallMs: number): HereView | undefined {
  if (known === undefined) {
    const { passed, refused } = facts;
    // A superseded record is passed on before the disk says so.
    if (passed !== undefined && refused?.reason !== 'superseded') return whyPassed(facts, passed);
    return (
      refused && {
        state: 'refused',
        reason: refused.reason,
        peer: refused.peer,
        at: isoTime(refused.atMs),
      }
    );
  }
  const { arrival, holding } = known;
  if (isExpired(known.expiresMs, wallMs)) return { state: 'expired', arrival };
  if (holding !== 'wanted') return { state: holding, arrival };
  const { fetching } = facts;
  return {
    state: 'wanted',
    arrival,
    fetching: fetching.kind,
    next: fetching.kind === 'tried' ? isoTime(fetching.againMs) : null,
    links: fetching.kind === 'not-yet' ? fetching.links : null,
  };
}

function channelOf({ keeping }: Explanation): WhyView['channel'] {
  if (keeping === undefined) return null;
  const since = keeping.isHeld ? isoTime(keeping.floorMs) : null;
  return { joined: keeping.isJoined, held: keeping.isHeld, since };
}

function agentOf(parts: WhyParts, { id, delivery, holding }: KnownMessage): AgentWhyView | null {
  if (delivery !== undefined || holding !== 'held') return null;
  const stored = parts.store.readMessage(id);
  return stored !== undefined && isShown(stored) ? parts.agent.why(stored) : null;
}

function equivocationOf({ store }: WhyParts, { channel, author }: MessageHead): EquivocationView | null {
  const proof = store.equivocation(channel, author);
  const view = ({ id, bytes, signature }: Statement) => {
    return { id, bytes: toBase64url(bytes), signature: toBase64url(signature) };
  };
  return proof ? { first: view(proof.first), second: view(proof.second) } : null;
}

/**
 * @param text id of a message, or enough of its beginning
 * @throws MeshError `bad_request` for what is no id or begins more than one, `not_found` for an unknown one
 */
export function whyView(parts: WhyParts, text: string): WhyView {
  const { id, known } = find(parts, text);
  const now = parts.clock();
  const stored = known && headOf(known);
  const isOwn = known?.delivery !== undefined;
  const facts = parts.core.explain({ id, stored, isOwn }, now);
  const here = hereOf(known, facts, now.wallMs);
  if (here === undefined) throw unknown(id);
  const snapshot = parts.core.snapshot(now);
  const head = stored ?? facts.passed;
  const { came } = facts;
  return {
    id,
    now: isoTime(now.wallMs),
    peer: parts.peer,
    role: snapshot.role,
    message: head
      ? {
          channel: head.channel,
          author: head.author,
          time: isoTime(head.time.timeMs),
          expires: head.expiresMs === 0 ? null : isoTime(head.expiresMs),
        }
      : null,
    own: isOwn,
    here,
    channel: channelOf(facts),
    came: came && !isOwn ? { peer: came.peer, root: came.root || null, at: isoTime(came.atMs) } : null,
    delivery:
      known?.delivery === undefined
        ? null
        : deliveryWhy({
            ...{ known, facts: facts.delivery, snapshot },
            delivery: known.delivery,
            isExpired: here.state === 'expired',
          }),
    agent: known === undefined ? null : agentOf(parts, known),
    equivocation: head ? equivocationOf(parts, head) : null,
    path: facts.path ? pathView(facts.path, isOwn, came) : null,
  };
}
