/** The committed vectors of records, through the decoder, the verifier and a real relay. */
import { describe, expect, it } from 'vitest';
import { type Bytes, concat, toBase64url, toHex, utf8 } from '../bytes.ts';
import { channelTag } from '../channel/channel.ts';
import { LIMITS } from '../limits.ts';
import { fromHex, readVectors, sha256, verify } from '../message/message.fixture.ts';
import { verifySignature } from '../message/verified.ts';
import { Bench, EPOCH_MS } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { endMsOf } from './record-store.ts';
import { interestIn } from './records.fixture.ts';
import {
  decodeRecord,
  encodeRecord,
  type InterestRecord,
  recordPurpose,
  type SignedContent,
} from './records.ts';
import { decodeRice, encodeRice } from './rice.ts';
import { type TagSet, wordsOf } from './tag-set.ts';

interface Signed {
  readonly name: string;
  readonly type: string;
  readonly bytes: string;
  readonly signature: string;
}

interface Fields {
  readonly sequence: number;
  readonly urls?: readonly string[];
  readonly links?: readonly string[];
  readonly costs?: readonly number[];
  readonly expires?: number;
  readonly tags?: readonly string[];
  readonly numbered?: number;
  readonly count?: number;
  readonly numbers?: readonly number[];
  readonly base?: number;
  readonly exact?: boolean;
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
}

interface RecordVector extends Signed {
  readonly network: string;
  readonly fields: Fields;
  readonly fromMs: number;
  readonly endsMs: number;
  readonly asked?: readonly {
    readonly channel: string;
    readonly tag: string;
    readonly isListed: boolean;
    readonly isTaken: boolean;
  }[];
}

interface Vectors {
  readonly key: string;
  readonly records: readonly RecordVector[];
  readonly chains: readonly {
    readonly name: string;
    readonly steps: readonly (Signed & {
      readonly fields: Fields;
      readonly left: string | null;
      readonly set: readonly string[] | number;
    })[];
  }[];
  readonly rice: readonly {
    readonly name: string;
    readonly numbers: readonly number[];
    readonly bytes: string;
  }[];
  readonly invalid: readonly (Signed & { readonly code: string })[];
}

const { key, records, chains, rice, invalid } = readVectors<Vectors>('records.json');
const peer = toBase64url(fromHex(key));
const peerRecords = records.filter(({ type }) => type === 'peer record');
const interest = records.filter(({ type }) => type === 'interest record');
const plain = records[0] as RecordVector;
const timeMs = plain.fields.sequence;

const hexOf = (set: TagSet | undefined): string[] | undefined => {
  if (!set) return undefined;
  const [all, width] = [toHex(set.toBytes()), set.isExact ? 16 : 8];
  return Array.from({ length: set.size }, (_, i) => all.slice(i * width, (i + 1) * width));
};

/** Whether the signature is one for `type` in the network. */
function isSigned({ type, bytes, signature }: Signed, network = 'openclaw'): boolean {
  const data = concat(utf8(`mesh/2 ${type}\0${network}\0`), fromHex(bytes));
  const check = { data, signature: fromHex(signature), publicKey: fromHex(key) };
  return verifySignature(verify, check) !== undefined;
}

/** What the fields of a vector are called here. */
function fieldsOf(content: SignedContent): Fields {
  const { sequence } = content;
  if (content.kind === 1) {
    const { urls, links, costs, expiresMs: expires } = content;
    return { sequence, urls, links: links.map((link) => toHex(idBytes(link))), costs, expires };
  }
  if (content.kind === 3) {
    const { base, added, removed } = content;
    return {
      ...{ sequence, base, exact: added.isExact },
      ...{ added: hexOf(added) ?? [], removed: hexOf(removed) ?? [] },
    };
  }
  const { tags } = content;
  if (tags.isExact) return { sequence, tags: hexOf(tags) ?? [] };
  return { sequence, count: tags.size, numbers: [...tags.words] };
}

const idBytes = (id: string): Bytes => Uint8Array.from(Buffer.from(id, 'base64url'));

/** A relay with two neighbours, whose clock shows this now. */
function relayAt(wallMs: number): { bench: Bench; left: Remote; right: Remote } {
  const bench = new Bench();
  const [left, right] = [bench.connect('left', { relay: true }), bench.connect('right', { relay: true })];
  bench.run(3000);
  bench.wallOffsetMs += wallMs - bench.now.wallMs;
  for (const remote of [left, right]) remote.clear();
  return { bench, left, right };
}

function bring(remote: Remote, ...items: readonly Signed[]): void {
  remote.send({
    type: 'records',
    records: items.map(({ bytes, signature }) => ({ bytes: fromHex(bytes), signature: fromHex(signature) })),
  });
}

/** What the relay has of the one of the vectors. */
function had(remote: Remote, kind: 1 | 2): { readonly bytes: Bytes }[] {
  remote.clear();
  remote.send({ type: 'want', heads: [{ kind, peer, sequence: 0 }] });
  remote.wait(1); // it has left: the next answer need not wait
  return remote.got('records').flatMap((frame) => frame.records);
}

const isTaken = (vector: RecordVector, wallMs: number): boolean => {
  const { left, right } = relayAt(wallMs);
  bring(left, vector);
  return had(right, 1).length === 1;
};

describe('a record of the vectors', () => {
  it.each(records)('is read, written and signed as it says: $name', ({ fields, ...vector }) => {
    const content = decodeRecord(fromHex(vector.bytes)) as SignedContent;
    expect(content.peer).toBe(peer);
    expect(recordPurpose(content.kind)).toBe(vector.type);
    expect(fieldsOf(content)).toMatchObject(listed(fields));
    expect(toHex(encodeRecord(content))).toBe(vector.bytes);
    expect(isSigned(vector, vector.network)).toBe(true);
    expect(endMsOf(content)).toBe(vector.endsMs);
  });

  it.each(interest)('tells which channels are wanted: $name', ({ bytes, fields, asked = [] }) => {
    const { tags } = decodeRecord(fromHex(bytes)) as InterestRecord;
    if (fields.numbered !== undefined) expect(tags.size).toBe(fields.count ?? fields.numbered);
    for (const { channel, tag, isListed, isTaken: isWanted } of asked) {
      const bytesOfTag = channelTag(sha256, 'openclaw', channel);
      expect(toHex(bytesOfTag), channel).toBe(tag);
      expect(tags.has(wordsOf(toBase64url(bytesOfTag))), channel).toBe(isWanted);
      if (isListed) expect(isWanted).toBe(true);
    }
  });

  it('is one of a filter that takes a channel for another', () => {
    const wrong = interest.flatMap(({ asked = [] }) => asked.filter((one) => one.isTaken && !one.isListed));
    expect(wrong.length).toBeGreaterThanOrEqual(2);
  });

  const nearby = peerRecords.filter(({ fromMs, network }) => fromMs < EPOCH_MS && network === 'openclaw');
  it.each(nearby)('is taken in its time only: $name', (vector) => {
    const { fromMs, endsMs } = vector;
    const isEver = fromMs < endsMs;
    if (isEver) expect([isTaken(vector, fromMs), isTaken(vector, endsMs - 1)]).toEqual([true, true]);
    expect([isTaken(vector, fromMs - 1), isTaken(vector, endsMs)]).toEqual([false, false]);
  });

  it('is taken by nobody before its time, and an offence in another network', () => {
    const [later, alien] = [
      peerRecords.find(({ fromMs }) => fromMs > EPOCH_MS) as RecordVector,
      peerRecords.find(({ network }) => network !== 'openclaw') as RecordVector,
    ];
    expect(isTaken(later, timeMs)).toBe(false);
    const { bench, left } = relayAt(timeMs);
    bring(left, alien);
    expect(bench.reports('offence').map(({ code }) => code)).toEqual(['invalid_signature']);
  });
});

/** Fields that are told in full. */
function listed({ numbered, ...fields }: Fields): object {
  const { channels: _, r: __, ...rest } = fields as Fields & { channels?: unknown; r?: unknown };
  return rest;
}

describe('a chain of the vectors', () => {
  it.each(chains)('leads to the sets that it names: $name', ({ steps }) => {
    const { bench, left, right } = relayAt(timeMs);
    bring(left, plain);
    for (const { name, fields, left: why, set, ...step } of steps) {
      const content = decodeRecord(fromHex(step.bytes)) as SignedContent;
      expect(fieldsOf(content), name).toMatchObject(listed(fields));
      expect(toHex(encodeRecord(content)), name).toBe(step.bytes);
      expect(isSigned({ name, ...step }), name).toBe(true);
      bring(left, { name, ...step });
      const all = had(right, 2);
      const now = hexOf(interestIn(all, peer));
      expect(typeof set === 'number' ? now?.length : now, name).toEqual(set);
      const last = decodeRecord(all.at(-1)?.bytes as Bytes);
      expect(last && encodeRecord(last).join() === fromHex(step.bytes).join(), name).toBe(why === null);
      bench.run(LIMITS.recordEveryMs);
    }
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('the code of a filter', () => {
  it.each(rice)('is that of the vectors: $name', ({ numbers, bytes }) => {
    expect(toHex(encodeRice(Uint32Array.from(numbers)))).toBe(bytes);
    expect([...(decodeRice(fromHex(bytes), numbers.length) ?? [])]).toEqual(numbers);
  });
});

describe('a record that the vectors call wrong', () => {
  it.each(invalid)('is refused: $name', (vector) => {
    const isMalformed = vector.code === 'invalid_message';
    expect(decodeRecord(fromHex(vector.bytes)) === undefined).toBe(isMalformed);
    expect(isSigned(vector)).toBe(isMalformed);
    const { bench, left } = relayAt(timeMs);
    if (vector.type !== 'peer record') bring(left, plain);
    bring(left, vector);
    expect(bench.reports('offence').map(({ code }) => code)).toEqual([vector.code]);
  });

  it('takes the others of its frame with it, if it is malformed', () => {
    const bad = invalid.filter(({ type }) => type === 'interest record');
    const taken = ['invalid_message', 'invalid_signature'].map((code) => {
      const { bench, left, right } = relayAt(timeMs);
      bring(left, plain, bad.find((one) => one.code === code) as Signed);
      expect(bench.reports('offence').map((report) => report.code)).toEqual([code]);
      return had(right, 1).length;
    });
    expect(taken).toEqual([0, 1]);
  });
});
