import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { type CliIo, processIo } from './io.ts';
import { Progress } from './progress.ts';

function make(isTTY: boolean) {
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const io: CliIo = { ...processIo(), stderr };
  let now = 0;
  const progress = new Progress(io, () => now);
  const at = (ms: number, text: string) => {
    now = ms;
    progress.update(() => text);
  };
  return { progress, at, written: () => String(stderr.read() ?? '') };
}

it('progress replaces its line now and then, and takes it away', () => {
  const { progress, at, written } = make(true);
  at(100, 'too early');
  at(300, 'twelve');
  at(400, 'too early');
  at(600, 'six');
  progress.clear();
  progress.clear();
  expect(written()).toBe('\rtwelve\rsix   \r   \r');
});

it('progress is silent where there is no terminal', () => {
  const { progress, at, written } = make(false);
  at(1000, 'x');
  progress.clear();
  expect(written()).toBe('');
});
