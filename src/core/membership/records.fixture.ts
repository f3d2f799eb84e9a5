/** Signed records for tests, written down from the protocol's page. */
import { type Bytes, toBase64url } from '../bytes.ts';
import type { Author } from '../message/message.fixture.ts';
import { purposeBytes } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { encodeRecord, type InterestRecord, type PeerRecord, type SignedContent, toSet } from './records.ts';

export interface Sealed {
  readonly content: SignedContent;
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

export function signed(key: Author, content: SignedContent): Sealed {
  const bytes = encodeRecord(content);
  const purpose = content.kind === 1 ? 'peer record' : 'interest record';
  return { content, bytes, signature: key.sign(purposeBytes(purpose, bytes)) };
}

export const idOf = (key: Author): string => toBase64url(key.publicKey);

/** A peer record of `key`, by default alive for an hour after `sequence`. */
export function peerRecord(
  key: Author,
  changes: Partial<PeerRecord> & { readonly sequence: number },
): Sealed {
  const content: PeerRecord = {
    kind: 1,
    peer: idOf(key),
    urls: [],
    expiresMs: changes.sequence + 3_600_000,
    ...changes,
    links: toSet(changes.links ?? []),
  };
  return signed(key, content);
}

export function interestRecord(key: Author, sequence: number, tags: readonly string[]): Sealed {
  const content: InterestRecord = { kind: 2, peer: idOf(key), sequence, tags: toSet(tags) };
  return signed(key, content);
}

export function sendRecords(remote: Remote, ...records: readonly Sealed[]): void {
  remote.send({
    type: 'records',
    records: records.map(({ bytes, signature }) => ({ bytes, signature })),
  });
}

/** Head of a record, as have and want frames carry it. */
export function headOf({ content }: Sealed): { kind: 1 | 2; peer: string; sequence: number } {
  return { kind: content.kind, peer: content.peer, sequence: content.sequence };
}
