import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { createOpener, createSealer, RECORD_OVERHEAD } from './record.ts';

const KEY = new Uint8Array(createHash('sha256').update('key').digest());
const OTHER = new Uint8Array(createHash('sha256').update('other').digest());
const VECTORS = [
  'bf21ec9ac0db31750baa236c4bf2e98e331295307b8cd8',
  '0ca086c401e80b98cbbe2fc35f68d3033e58be2353b22e51c2',
];
const bytes = (...list: number[]) => Uint8Array.from(list);

describe('a sealed link', () => {
  it('gives back what was sealed, frame by frame, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 })), (records) => {
        const [seal, open] = [createSealer(KEY), createOpener(KEY)];
        for (const frames of records) {
          const record = seal(frames);
          const size = frames.reduce((sum, frame) => sum + frame.length + RECORD_OVERHEAD.frame, 0);
          expect(record.length).toBe(size + RECORD_OVERHEAD.record);
          expect(open(record)).toEqual(frames);
        }
      }),
    );
  });

  it('has the bytes of the vectors', () => {
    const seal = createSealer(KEY);
    // Made with Python's cryptography package: ChaCha20Poly1305(SHA-256("key")).encrypt(nonce, plain, None)
    expect([seal([bytes(1, 2, 3)]).toString('hex'), seal([bytes(4), bytes()]).toString('hex')]).toEqual(
      VECTORS,
    );
  });

  it('seals the same frame differently each time', () => {
    const seal = createSealer(KEY);
    expect(seal([bytes(1)])).not.toEqual(seal([bytes(1)]));
  });

  it('opens nothing that was changed, anywhere', () => {
    const record = createSealer(KEY)([bytes(1, 2, 3), bytes(4)]);
    for (let at = 0; at < record.length; at++) {
      const changed = Uint8Array.from(record);
      changed[at] = (changed[at] as number) ^ 1;
      expect(createOpener(KEY)(changed)).toBeUndefined();
    }
    for (const cut of [0, 1, 15, 16, record.length - 1])
      expect(createOpener(KEY)(record.subarray(0, cut))).toBeUndefined();
    expect(createOpener(KEY)(Buffer.concat([record, bytes(0)]))).toBeUndefined();
    expect(createOpener(OTHER)(record)).toBeUndefined();
  });

  it('opens nothing in another place: repeated, moved, or after one that is missing', () => {
    const seal = createSealer(KEY);
    const [first, second] = [seal([bytes(1)]), seal([bytes(2)])];
    const open = createOpener(KEY);
    expect(open(second)).toBeUndefined();
    const again = createOpener(KEY);
    expect([again(first), again(first)]).toEqual([[bytes(1)], undefined]);
  });

  it('takes no frame that is longer than a frame may be, or than its record', () => {
    const long = createSealer(KEY)([new Uint8Array(LIMITS.frameBytesMax + 1)]);
    expect(createOpener(KEY)(long)).toBeUndefined();
  });

  it('keeps a small frame without the record around it', () => {
    const [small] = createOpener(KEY)(createSealer(KEY)([bytes(1), new Uint8Array(60_000)])) ?? [];
    expect(small?.buffer.byteLength).toBe(1);
  });
});
