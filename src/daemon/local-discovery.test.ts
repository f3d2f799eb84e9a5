import { expect, it } from 'vitest';
import { isContainer } from './local-discovery.ts';

it('a container shows by the file or the variable of its engine', () => {
  const no = () => false;
  expect(isContainer({}, no)).toBe(false);
  expect(isContainer({ container: '' }, no)).toBe(false);
  expect(isContainer({ container: 'podman' }, no)).toBe(true);
  expect(isContainer({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, no)).toBe(true);
  for (const there of ['/.dockerenv', '/run/.containerenv'])
    expect(isContainer({}, (file) => file === there)).toBe(true);
});
