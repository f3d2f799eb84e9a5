import { describe, expect, it } from 'vitest';
import { ERROR_CODES, ERRORS, isErrorCode, MeshError } from './errors.ts';

describe('the error table', () => {
  it.each(ERROR_CODES)('has for %s a stable code, whole sentences and a status', (code) => {
    const row = ERRORS[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    for (const sentence of [row.title, row.do]) {
      expect(sentence).toMatch(/^[A-Z"]/);
      expect(sentence).toMatch(/[.}]$/);
      expect(sentence.trim()).toBe(sentence);
      expect(sentence).not.toMatch(/ {2}|\n|\bplease\b|!/i);
    }
    expect(row.title.length).toBeLessThanOrEqual(110);
    expect(row.http).toBeGreaterThanOrEqual(400);
    expect(row.http).toBeLessThan(600);
    expect(['link', 'api', 'start', 'command', 'both']).toContain(row.at);
  });

  it('says each thing once', () => {
    const titles = ERROR_CODES.map((code) => ERRORS[code].title);
    expect(new Set(titles).size).toBe(titles.length);
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
  });

  it('knows its codes and nothing that every object has', () => {
    for (const code of ERROR_CODES) expect(isErrorCode(code)).toBe(true);
    for (const text of ['', 'toString', '__proto__', 'constructor', 'INTERNAL', 'no_such_code']) {
      expect(isErrorCode(text)).toBe(false);
    }
  });
});

describe('MeshError', () => {
  it('carries code, detail and cause, and reads as the title and the detail', () => {
    const cause = new Error('disk');
    const error = new MeshError('store_failed', 'The disk is full.', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('MeshError');
    expect(error.code).toBe('store_failed');
    expect(error.detail).toBe('The disk is full.');
    expect(error.message).toBe(`${ERRORS.store_failed.title} The disk is full.`);
    expect(error.cause).toBe(cause);
  });

  it('reads as the title alone without a detail', () => {
    const error = new MeshError('banned');
    expect(error.message).toBe(ERRORS.banned.title);
    expect(error.detail).toBe('');
    expect('cause' in error).toBe(false);
  });
});
