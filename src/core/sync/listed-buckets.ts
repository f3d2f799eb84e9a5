/**
 * Buckets of one link that were listed although they differ. The same two fingerprints again mean that listing changed
 * nothing: the other side does not have what it knows, or we do not take it. Such a bucket is listed again only after a
 * wait that doubles each time; one whose content changed on either side is a new one.
 */
import { type Bytes, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import type { BucketSum } from '../wire/frame.ts';

/** Buckets remembered of one link; the oldest are forgotten and listed again (guess: every hour of 90 days and more). */
const BUCKETS_MAX = 8192;

export class ListedBuckets {
  readonly #listed = new Map<string, { readonly waitMs: number; readonly againMs: number }>();

  /** Whether this difference is worth listing now; if so, it counts as listed. @param own our fingerprint, if any */
  mayList(tag: string, theirs: BucketSum, own: Bytes | undefined, nowMs: number): boolean {
    const prints = `${own ? toBase64url(own) : ''} ${toBase64url(theirs.fingerprint)}`;
    const key = `${tag} ${theirs.startMinute}/${theirs.minutes} ${prints}`;
    const known = this.#listed.get(key);
    if (known && nowMs < known.againMs) return false;
    const waitMs = Math.min(known ? 2 * known.waitMs : LIMITS.retryMinMs, LIMITS.retryMaxMs);
    this.#listed.delete(key);
    for (const oldest of this.#listed.keys()) {
      if (this.#listed.size < BUCKETS_MAX) break;
      this.#listed.delete(oldest);
    }
    this.#listed.set(key, { waitMs, againMs: nowMs + waitMs });
    return true;
  }
}
