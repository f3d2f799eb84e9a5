import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { ERROR_CODES } from '../src/core/errors.ts';
import { OPTION_NAMES } from '../src/daemon/option-table.ts';
import {
  configurationPage,
  differingFiles,
  envExample,
  errorsPage,
  generatedFiles,
} from './generate-docs.ts';

it('finds env.example and the reference pages equal to the code', () => {
  expect(differingFiles(path.resolve(import.meta.dirname, '..'))).toEqual([]);
});

it('notices files that are missing', () => {
  const empty = mkdtempSync(path.join(os.tmpdir(), 'mesh-docs-'));
  expect(differingFiles(empty)).toEqual([...generatedFiles().keys()]);
  rmSync(empty, { recursive: true });
});

it('writes an env.example that sets nothing, and every option once uncommented', () => {
  expect(parseEnv(envExample())).toEqual({});
  const uncommented = envExample().replaceAll(/^#(?=[A-Z0-9_]+=$)/gm, '');
  expect(Object.keys(parseEnv(uncommented)).sort()).toEqual([...OPTION_NAMES].sort());
});

it('gives each option and each error code a heading of its own', () => {
  const headings = (page: string) => [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
  expect(headings(configurationPage())).toEqual([...OPTION_NAMES]);
  expect(headings(errorsPage())).toEqual([...ERROR_CODES]);
});
