import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { programAdvice } from './program.ts';

it('says how the program itself goes, wherever it came from', () => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-program-'));
  onTestFinished(() => fs.rmSync(base, { recursive: true }));
  fs.mkdirSync(path.join(base, 'src'));
  expect(programAdvice(base)).toBe(`delete the checkout ${base}`);
  const name = 'openclaw-messaging';
  expect(programAdvice(`/usr/lib/node_modules/${name}`)).toBe(`npm uninstall --global ${name}`);
  expect(programAdvice(`/home/a b/app/node_modules/${name}`)).toBe(
    `cd '/home/a b/app' && npm uninstall ${name}`,
  );
  expect(programAdvice(`/home/a/.npm/_npx/1f/node_modules/${name}`)).toContain('cache of npx');
});
