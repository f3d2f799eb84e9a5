/** A tap on the links of a daemon: what passes over them from now on. */
import { openEvents } from './events.ts';
import type { FoundDaemon } from './find.ts';
import type { TapItemJson } from './tap-types.ts';

export interface TapOptions {
  /** id of a peer, or at least 6 characters of its beginning; undefined for all links */
  readonly peer?: string | undefined;
  /** names of frames and events; undefined for all */
  readonly types?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/**
 * Yields what passes, `begun` first. Ends with the signal, or after `ended` where the daemon stops in order; throws the
 * daemon's refusal, or `no_daemon` when the connection is gone.
 */
export async function* openTap(
  daemon: FoundDaemon,
  { peer, types, signal }: TapOptions,
): AsyncGenerator<TapItemJson, void> {
  const query = new URLSearchParams();
  for (const type of types ?? []) query.append('type', type);
  if (peer !== undefined) query.set('peer', peer);
  const path = `/v1/tap?${query}`;
  for await (const { data } of openEvents(daemon, { path, signal })) {
    const item = JSON.parse(data) as TapItemJson; // the daemon's word: it is ours, it had the token's file
    yield item;
    if (item.kind === 'ended') return;
  }
}
