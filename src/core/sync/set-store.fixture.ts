/** A store for a bench that takes part in catch-up: it keeps what it is given, and answers what a comparison asks. */
import { type BenchStore, createBlankStore } from '../blank-store.fixture.ts';
import { addSum, toBase64url } from '../bytes.ts';
import { MINUTE } from '../limits.ts';
import { openclaw, verify } from '../message/message.fixture.ts';
import type { Message } from '../message/message.ts';
import { signatureCheck, VerifiedMessage, verifySignature } from '../message/verified.ts';
import { type Bench, EPOCH_MS, tagOf } from '../peer.fixture.ts';
import type { PersistOp, Position, Query, QueryAnswer, Window, WindowSum } from '../persistence.ts';
import { clip, compareBounds, FIRST, INFINITY } from './negentropy/bounds.ts';
import { STYLE } from './negentropy/reconcile.ts';
import { VectorStore } from './negentropy/vector-store.fixture.ts';

export interface SetStore extends BenchStore {
  /** by id text */
  readonly messages: ReadonlyMap<string, VerifiedMessage>;
  /** bodies, ascending by (time, id) */
  bodies(): string[];
}

function sumOf(positions: readonly Position[], window: Window): WindowSum {
  const { from, until } = clip(window, { from: FIRST, until: INFINITY });
  const sum = new Uint8Array(32);
  const within = positions.filter((one) => compareBounds(one, from) >= 0 && compareBounds(one, until) < 0);
  for (const { id } of within) addSum(sum, id);
  return { count: within.length, sum, sameUntil: window.untilMinute };
}

/** Only whole messages are kept, without limits. What has nothing to do with sets is answered as by a blank store. */
export function createSetStore(): SetStore {
  const blank = createBlankStore();
  const messages = new Map<string, VerifiedMessage>();
  const tags = new Map<string, Position[]>();

  const keep = (op: PersistOp): void => {
    if (op.kind !== 'message' && op.kind !== 'own-message') return;
    const { message } = op.message;
    if (messages.has(message.idText)) return;
    messages.set(message.idText, op.message);
    tags.set(op.tag, [...(tags.get(op.tag) ?? []), { time: message.time, id: message.id }]);
  };

  const read = (query: Query): QueryAnswer => {
    switch (query.kind) {
      case 'has':
        return {
          kind: 'has',
          holdings: query.ids.map((id) => (messages.has(toBase64url(id)) ? 'held' : 'unknown')),
        };
      case 'messages':
        return { kind: 'messages', messages: query.ids.map((id) => messages.get(toBase64url(id))) };
      case 'sums':
        return {
          kind: 'sums',
          sums: query.windows.map((one) => sumOf(tags.get(one.tag) ?? [], one)),
          ...{ version: 0, changed: undefined },
        };
      case 'split':
      case 'ids':
        return new VectorStore(tags.get(query.tag) ?? [], { pieces: STYLE.pieces }).read(query);
      default:
        return blank.read(query);
    }
  };

  return {
    messages,
    bodies: () => {
      const all = [...messages.values()].map(({ message }) => message);
      return all.sort(compareBounds).map(({ body }) => body);
    },
    transact: (effects) => {
      for (const op of effects.flat()) keep(op);
      return blank.transact(effects);
    },
    read,
  };
}

/** Puts messages into a store as if a peer had brought them. */
export function fill(store: BenchStore, messages: readonly Message[]): void {
  const ops = messages.map((message) => {
    const proof = verifySignature(verify, signatureCheck(openclaw, message));
    const verified = proof && VerifiedMessage.fromVerification(openclaw, message, proof);
    if (verified === undefined) throw new Error('not a genuine message');
    return { kind: 'message' as const, message: verified, tag: tagOf(message.channel) };
  });
  store.transact([ops]);
}

/** `count` messages of `dev`, one every minute, the last one two minutes ago. */
export function series(bench: Bench, count: number): Message[] {
  return Array.from({ length: count }, (_, i) => {
    const timeMs = EPOCH_MS - (count + 1 - i) * MINUTE;
    return bench.message(`${i}`, { time: { timeMs, counter: 0 } });
  });
}
