/**
 * The frames of mesh/2 as data. `frames.ts` turns them into bytes and back.
 */
import type { Bytes } from '../bytes.ts';
import type { Tombstone } from '../message/header.ts';
import type { Message } from '../message/message.ts';

/** A channel tag with the whole UTC hour since which its content is kept. */
export interface TagFloor {
  readonly tag: string;
  /** hours since 1970 */
  readonly floorHour: number;
}

/** Fingerprint of one channel above a floor. */
export interface ChannelSum extends TagFloor {
  /** 16 bytes */
  readonly fingerprint: Bytes;
}

export type RecordKind = 1 | 2;
/** numbers of the signed records on the wire */
export const RECORD = { peer: 1, interest: 2 } as const;

export interface RecordHead {
  readonly kind: RecordKind;
  /** id text of the relay that it is about and that signed it */
  readonly peer: string;
  readonly sequence: number;
}

/** An ephemeral with the root whose tree it follows. */
export interface EphemeralItem {
  /** short id of the root, '' where the receiver becomes it */
  readonly root: string;
  readonly message: Message;
}

interface Beat<T extends string> {
  readonly type: T;
  readonly n: number;
}
interface Ids<T extends string> {
  readonly type: T;
  readonly ids: readonly Bytes[];
}
interface Heads<T extends string> {
  readonly type: T;
  readonly heads: readonly RecordHead[];
}

export type Frame =
  | { readonly type: 'auth'; readonly instance: Bytes; readonly url: string; readonly signature: Bytes }
  | Beat<'ping'>
  | Beat<'pong'>
  | { readonly type: 'role'; readonly relay: boolean; readonly live: boolean }
  | { readonly type: 'error'; readonly code: string; readonly detail: string }
  | {
      readonly type: 'holds';
      readonly reset: boolean;
      readonly set: readonly TagFloor[];
      readonly unset: readonly string[];
    }
  | {
      readonly type: 'push';
      readonly root: string;
      readonly keep: boolean;
      readonly messages: readonly Message[];
    }
  | Ids<'announce'>
  | Ids<'fetch'>
  | Ids<'stored'>
  | {
      readonly type: 'fetched';
      readonly messages: readonly Message[];
      readonly notHeld: readonly Bytes[];
      /** what is left of deleted messages; absent for none */
      readonly tombstones?: readonly Tombstone[];
    }
  | Heads<'have'>
  | Heads<'want'>
  | {
      readonly type: 'records';
      readonly records: readonly { readonly bytes: Bytes; readonly signature: Bytes }[];
    }
  | {
      readonly type: 'addresses';
      readonly relays: readonly { readonly peer: string; readonly urls: readonly string[] }[];
    }
  /** dial me there: at `url`, or if it is empty at the address that you see, at `port` */
  | { readonly type: 'dial-back'; readonly url: string; readonly port: number }
  | { readonly type: 'mailbox'; readonly tags: readonly string[] }
  | { readonly type: 'mailbox-kept'; readonly tags: readonly string[]; readonly hours: number }
  | {
      readonly type: 'heartbeat';
      readonly untilMinute: number;
      readonly channels: number;
      readonly fingerprint: Bytes;
    }
  | { readonly type: 'sums'; readonly untilMinute: number; readonly sums: readonly ChannelSum[] }
  /** `message` of negentropy, for a window of a channel */
  | {
      readonly type: 'reconcile';
      readonly number: number;
      readonly untilMinute: number;
      readonly tag: string;
      readonly floorHour: number;
      readonly message: Bytes;
    }
  /** the answer to the `reconcile` of that number; without a message it is refused */
  | { readonly type: 'reconciled'; readonly number: number; readonly message: Bytes }
  /** ids that the other side lacks, as it seems */
  | { readonly type: 'offer'; readonly tag: string; readonly ids: readonly Bytes[] }
  | { readonly type: 'ephemeral'; readonly items: readonly EphemeralItem[] }
  /** carry frames with `number` to that relay, `hops` links further at most */
  | { readonly type: 'tunnel-open'; readonly number: number; readonly hops: number; readonly target: string }
  /** `isOpener`: whoever sends it opened that tunnel on this link */
  | { readonly type: 'tunnelled'; readonly number: number; readonly isOpener: boolean; readonly frame: Bytes }
  | { readonly type: 'tunnel-end'; readonly number: number; readonly isOpener: boolean };

/** The number of an encoded frame, without decoding it: it stands behind the head of the array, above 23 in two bytes. */
export function frameNumber(bytes: Bytes): number {
  const first = bytes[1] ?? 0;
  return first === 24 ? (bytes[2] ?? 0) : first;
}
