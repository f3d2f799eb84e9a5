/**
 * What checkers, feeds and reports are told while a simulation runs. Every method is called at the moment it speaks of,
 * before anything else happens; one that finds something wrong throws.
 */
import type { Bytes } from '../core/bytes.ts';
import type { Effect, Event } from '../core/contract.ts';
import type { PersistResult } from '../core/persistence.ts';
import type { Frame } from '../core/wire/frame.ts';
import type { StoredMessage } from '../store/store.ts';
import type { PersistRequest } from './disk.ts';
import type { Host } from './host.ts';

export interface Observer {
  started?(host: Host): void;
  crashed?(host: Host): void;
  /** the core is about to handle it */
  event?(host: Host, event: Event): void;
  /** the core wants it, and it is about to be executed */
  effect?(host: Host, effect: Effect): void;
  /** a frame that carries messages, claims about them or records is about to be sent; undecodable ones are not told.
   *  `bytes` is what the event of its arrival has, the very same array */
  sending?(host: Host, frame: Frame, to: readonly Host[], bytes: Bytes): void;
  /** the disk has it, and the core does not know yet */
  committed?(
    host: Host,
    requests: readonly PersistRequest[],
    results: readonly (readonly PersistResult[])[],
  ): void;
  /** its disk has damaged what it stored of these messages, and the core does not know yet */
  damaged?(host: Host, ids: readonly string[]): void;
  /** the feed of local clients: `channel` of a channel's own feed, '' for the feed of everything */
  shown?(host: Host, channel: string, row: StoredMessage): void;
}
