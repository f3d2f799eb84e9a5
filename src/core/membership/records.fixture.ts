/** Signed records for tests, written down from the protocol's page. */
import { type Bytes, toBase64url } from '../bytes.ts';
import type { Author } from '../message/message.fixture.ts';
import { purposeBytes } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import {
  changedTags,
  decodeRecord,
  encodeRecord,
  type InterestRecord,
  type PeerRecord,
  type SignedContent,
  toSet,
} from './records.ts';
import { TagSet } from './tag-set.ts';

export interface Sealed {
  readonly content: SignedContent;
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

export function signed(key: Author, content: SignedContent): Sealed {
  const bytes = encodeRecord(content);
  const purpose = ['', 'peer record', 'interest record', 'interest delta'][content.kind] as string;
  return { content, bytes, signature: key.sign(purposeBytes(purpose, bytes)) };
}

export const idOf = (key: Author): string => toBase64url(key.publicKey);

/** A peer record of `key`, by default alive for an hour after `sequence`. */
export function peerRecord(
  key: Author,
  changes: Partial<PeerRecord> & { readonly sequence: number },
): Sealed {
  const links = toSet(changes.links ?? []);
  const content: PeerRecord = {
    kind: 1,
    peer: idOf(key),
    urls: [],
    expiresMs: changes.sequence + 3_600_000,
    ...changes,
    links,
    costs: changes.costs ?? links.map(() => 0),
  };
  return signed(key, content);
}

export function interestRecord(key: Author, sequence: number, tags: readonly string[]): Sealed {
  const content: InterestRecord = { kind: 2, peer: idOf(key), sequence, tags: TagSet.of(tags) };
  return signed(key, content);
}

/** A filter, however few the tags are. */
export function filterRecord(key: Author, sequence: number, tags: readonly string[]): Sealed {
  return signed(key, { kind: 2, peer: idOf(key), sequence, tags: TagSet.of(tags).toFilter() });
}

/** A delta on the exact record, or delta, of sequence `base`. */
export function deltaRecord(
  key: Author,
  [base, sequence]: readonly [number, number],
  changes: { readonly added?: readonly string[]; readonly removed?: readonly string[] },
): Sealed {
  const [added, removed] = [TagSet.of(changes.added ?? []), TagSet.of(changes.removed ?? [])];
  return signed(key, { kind: 3, peer: idOf(key), sequence, base, added, removed });
}

/** What a relay has interest in, by its newest full record among these and the deltas behind it. */
export function interestIn(records: readonly { readonly bytes: Bytes }[], peer: string): TagSet | undefined {
  let tags: TagSet | undefined;
  for (const { bytes } of records) {
    const content = decodeRecord(bytes);
    if (content?.peer !== peer) continue;
    if (content.kind === 2) tags = content.tags;
    else if (content.kind === 3 && tags) tags = changedTags(tags, content);
  }
  return tags;
}

export function sendRecords(remote: Remote, ...records: readonly Sealed[]): void {
  remote.send({
    type: 'records',
    records: records.map(({ bytes, signature }) => ({ bytes, signature })),
  });
}

/** Head of a record, as have and want frames carry it. */
export function headOf({ content }: Sealed): { kind: 1 | 2; peer: string; sequence: number } {
  const kind = content.kind === 1 ? 1 : 2;
  return { kind, peer: content.peer, sequence: content.sequence };
}
