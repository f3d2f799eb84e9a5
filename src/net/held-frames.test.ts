import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeldFrame, HeldFrames } from './held-frames.ts';

const frame = fc.record({ bytes: fc.uint8Array({ maxLength: 3000 }), isText: fc.boolean() });

describe('held frames', () => {
  it('come out as they went in, in order, however pushing and taking alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, fc.constant('take' as const)), { maxLength: 60 }), (steps) => {
        const held = new HeldFrames();
        const expected: HeldFrame[] = [];
        for (const step of steps) {
          if (step !== 'take') {
            held.push(step);
            expected.push(step);
          } else expect(held.take()).toEqual(expected.shift());
          expect(held.size).toBe(expected.length);
        }
        while (expected.length > 0) expect(held.take()).toEqual(expected.shift());
        expect([held.take(), held.size, held.capacity]).toEqual([undefined, 0, 0]);
      }),
    );
  });

  it('belong to who takes them, and are not changed by later ones', () => {
    const held = new HeldFrames();
    for (let i = 0; i < 3; i++) held.push({ bytes: new Uint8Array(700).fill(i), isText: false });
    const first = held.take();
    held.push({ bytes: new Uint8Array(5000).fill(9), isText: true });
    expect(first?.bytes).toEqual(new Uint8Array(700));
    expect(first?.bytes.buffer.byteLength).toBe(700);
  });

  it('cost what they weigh: 20,000 frames of three bytes fit into 128 KiB', () => {
    const held = new HeldFrames();
    for (let i = 0; i < 20_000; i++) held.push({ bytes: Uint8Array.of(0x82, 0x02, 0x01), isText: false });
    expect(held.capacity).toBeLessThanOrEqual(128 * 1024);
    held.clear();
    expect([held.size, held.capacity, held.take()]).toEqual([0, 0, undefined]);
  });
});
