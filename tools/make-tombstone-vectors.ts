/**
 * Makes docs/protocol/vectors/tombstone.json: what is left of a deleted message, and pairs of messages of which the second
 * does not delete the first.
 *
 * Nothing of src is used: the bytes come from cborg and node:crypto, as those of the messages.
 * Run: node tools/make-tombstone-vectors.ts
 */
import { encode } from 'cborg';
import { type Fields, makeMessage } from './make-message-vectors.ts';
import { fromHex, hex, seeded, vectorText, writeFiles } from './vectors.ts';

export interface TombstoneVector {
  readonly name: string;
  /** id of the first message */
  readonly id: string;
  /** CBOR of [signed bytes, signature, signed bytes of the delete, its signature] */
  readonly tombstone: string;
  /** whether it is one */
  readonly isTombstone: boolean;
}

const TIME = 1_780_000_000_000;
const FEED = `@${Buffer.from(fromHex(makeMessage('', {}).author)).toString('base64url')}`;

function tombstone(
  name: string,
  isTombstone: boolean,
  { target = {}, deletion = {} }: { target?: Partial<Fields>; deletion?: Partial<Fields> } = {},
  edit = (bytes: Uint8Array): Uint8Array => bytes,
): TombstoneVector {
  const first = makeMessage(name, target);
  const refs = [{ relation: 4, id: first.id }];
  const second = makeMessage(name, { kind: 2, body: '', timeMs: TIME + 1, refs, ...deletion });
  const items = [first.bytes, first.signature, hex(edit(fromHex(second.bytes))), second.signature];
  return { name, id: first.id, tombstone: hex(encode(items.map(fromHex))), isTombstone };
}

/** The same header in the name of another key; its signature is not looked at here. */
function byAnother(bytes: Uint8Array): Uint8Array {
  const author = fromHex(makeMessage('', {}).author);
  const other = Uint8Array.from(bytes);
  other.set(seeded('another author'), Buffer.from(bytes).indexOf(author));
  return other;
}

export function makeTombstoneVectors(): TombstoneVector[] {
  const other = { relation: 4, id: hex(seeded('other target')) };
  const { id } = makeMessage('', {});
  const refs = (relation: number) => [{ relation, id }];
  const no = (name: string, deletion: Partial<Fields>, target: Partial<Fields> = {}) =>
    tombstone(name, false, { target, deletion });
  return [
    tombstone('a post and its delete', true),
    tombstone('a delete of the same time', true, { deletion: { timeMs: TIME } }),
    tombstone('a delete that is a post', true, { deletion: { kind: 1 } }),
    tombstone('a delete of an unknown kind', true, { deletion: { kind: 65535 } }),
    tombstone('a delete of two messages', true, { deletion: { refs: [other, ...refs(4)] } }),
    tombstone('a message that expires', true, {
      target: { expiresMs: TIME + 5000 },
      deletion: { refs: [{ relation: 4, id: makeMessage('', { expiresMs: TIME + 5000 }).id }] },
    }),
    no('a delete of something else', { refs: [other] }),
    no('an edit', { refs: refs(3) }),
    no('no references', { refs: [] }),
    no('an earlier delete', { timeMs: TIME - 1 }),
    no('a delete with an earlier counter', { timeMs: TIME }, { counter: 1 }),
    no('a delete in another channel', { channel: 'hall' }),
    no(
      'a delete in a feed',
      { channel: FEED, refs: [{ relation: 4, id: makeMessage('', { channel: FEED }).id }] },
      { channel: FEED },
    ),
    no('a delete that expires', { expiresMs: TIME + 60_000 }),
    no('a delete with a body', { body: 'because' }),
    no('a delete with a payload', { payload: '00' }),
    no('a delete of an ephemeral kind', { kind: 256 }),
    no('a deleted ephemeral', {}, { kind: 256 }),
    no('a deleted delete', {}, { kind: 2, body: '', refs: [other] }),
    tombstone('a delete by another author', false, {}, byAnother),
  ];
}

/** The file that this tool makes: name from the repository's root, and text. */
export function makeTombstoneFiles(): Record<string, string> {
  const about =
    'Two messages without their content: [signed bytes, signature, signed bytes, signature], and whether that is a ' +
    'tombstone: the second one deletes the first. Bytes are hexadecimal. Made by tools/make-tombstone-vectors.ts.';
  return {
    'docs/protocol/vectors/tombstone.json': vectorText({ about, vectors: makeTombstoneVectors() }),
  };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeTombstoneFiles());
