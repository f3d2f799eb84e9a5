import { expect, it } from 'vitest';
import { MeshError } from '../core/errors.ts';
import { startFailure } from './start-failure.ts';

const system = (code: string): Error => Object.assign(new Error(`${code}: something, open 'x'`), { code });

it.each([
  ['EMFILE', 'out_of_files'],
  ['ENFILE', 'out_of_files'],
  ['ENOSPC', 'store_failed'],
  ['EDQUOT', 'store_failed'],
  ['EROFS', 'data_folder'],
  ['EACCES', 'data_folder'],
])('says what %s of the system means: %s, with the words of the system', (code, meaning) => {
  const failure = startFailure(system(code));
  expect(failure).toMatchObject({ code: meaning, detail: expect.stringContaining(`${code}: something`) });
});

it('finds the want of files behind the meaning that a part gave it', () => {
  const given = new MeshError('bad_option', 'The API cannot listen.', { cause: system('EMFILE') });
  expect(startFailure(given)).toMatchObject({ code: 'out_of_files' });
});

it('leaves alone what is told already, and what it does not know', () => {
  for (const error of [new MeshError('data_folder', 'x'), new Error('a mistake'), system('ECONNREFUSED')])
    expect(startFailure(error)).toBe(error);
});
