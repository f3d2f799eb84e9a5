/** Random choices that can be repeated: the seed is new each run and printed, and `MESH_TEST_SEED` sets it. */
import { createHash, randomBytes } from 'node:crypto';

export class Choices {
  readonly seed: string;
  #count = 0;

  constructor(name: string) {
    this.seed = process.env.MESH_TEST_SEED ?? randomBytes(4).toString('hex');
    console.log(`${name}: seed ${this.seed} (MESH_TEST_SEED=${this.seed} repeats its choices)`);
  }

  /** Bytes that follow from the seed and the number of calls. */
  bytes(count: number): Buffer {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; left -= 64)
      parts.push(
        createHash('sha512')
          .update(`${this.seed} ${this.#count++}`)
          .digest(),
      );
    return Buffer.concat(parts).subarray(0, count);
  }

  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number {
    return min + (this.bytes(4).readUInt32BE() % (max - min + 1));
  }
}
