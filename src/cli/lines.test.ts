import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines } from './lines.ts';

async function collect(chunks: readonly Uint8Array[], bytesMax?: number): Promise<string[]> {
  async function* source() {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of readLines(source(), bytesMax)) {
    lines.push('text' in line ? line.text : `${line.number} ${line.error.code}`);
  }
  return lines;
}

describe('lines', () => {
  it('are the same however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 7 }),
        async (text, size) => {
          const bytes = Buffer.from(text.replaceAll('\r', '').replaceAll('x', '\n'));
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
          const expected = bytes.toString('utf8').split('\n');
          if (expected.at(-1) === '') expected.pop();
          expect(await collect(chunks)).toEqual(expected);
        },
      ),
    );
  });

  it('lose one line end, of either kind, and keep a byte-order mark', async () => {
    expect(await collect([Buffer.from('a\r\n\n\ufeffb\r\r\nc')])).toEqual(['a', '', '\ufeffb\r', 'c']);
  });

  it('that are too long or no UTF-8 are errors and keep their number', async () => {
    const parts = ['12345', '678', '\n', 'ok\n', '\u00ff'].map((text) => Buffer.from(text, 'latin1'));
    expect(await collect(parts, 7)).toEqual(['1 message_too_large', 'ok', '3 bad_text']);
  });
});
