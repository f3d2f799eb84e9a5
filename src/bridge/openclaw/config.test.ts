import { describe, expect, it } from 'vitest';
import { describeMissing, readSection, resolveAccount } from './config.ts';

const of = (mesh: unknown) => ({ channels: { mesh } });

describe('the section of the configuration', () => {
  it('gives an account that is ready', () => {
    const account = resolveAccount(of({ dataFolder: '/data', name: ' home ', textLimit: 500 }));
    expect(account).toEqual({
      accountId: 'default',
      name: 'home',
      enabled: true,
      configured: true,
      dataFolder: '/data',
      textLimit: 500,
    });
    expect(describeMissing(of({ dataFolder: '/data' }))).toBeUndefined();
  });

  it('says what to do where the folder is missing or relative', () => {
    for (const config of [undefined, {}, { channels: 1 }, of(undefined), of({}), of({ dataFolder: ' ' })]) {
      expect(resolveAccount(config).configured).toBe(false);
      expect(describeMissing(config)).toContain('is not set. Run "openclaw channels add --channel mesh');
    }
    expect(resolveAccount(of({ dataFolder: 'data' }))).toMatchObject({ configured: false, dataFolder: '' });
    expect(describeMissing(of({ dataFolder: 'data' }))).toContain('no absolute path');
  });

  it('keeps the limit of a message within what fits', () => {
    expect(resolveAccount(of({})).textLimit).toBe(8000);
    expect(resolveAccount(of({ textLimit: 1 })).textLimit).toBe(200);
    expect(resolveAccount(of({ textLimit: 1e9 })).textLimit).toBe(15_000);
    expect(resolveAccount(of({ textLimit: Number.NaN })).textLimit).toBe(8000);
  });

  it('takes fields of another type as left out', () => {
    expect(readSection(of({ enabled: 'no', name: 3, dataFolder: [], textLimit: '9' }))).toEqual({});
    expect(readSection(of([]))).toEqual({});
    expect(resolveAccount(of({ enabled: false })).enabled).toBe(false);
  });
});
