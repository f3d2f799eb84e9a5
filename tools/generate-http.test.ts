import { describe, expect, it } from 'vitest';
import { ROUTE_WORDS } from '../src/api/reference/routes.ts';
import { SHAPES } from '../src/api/reference/shapes.ts';
import { ROUTES, STREAM_PATH } from '../src/api/router.ts';
import { ERROR_CODES, ERRORS, isErrorCode } from '../src/core/errors.ts';
import { RETENTION_BOUNDS } from '../src/daemon/retention.ts';
import { TAP_TYPES } from '../src/daemon/tap/taps.ts';
import { codePlaces, describedRoutes, httpPage } from './generate-http.ts';
import { openApi } from './generate-openapi.ts';

const page = httpPage();
const headings = [...page.matchAll(/^### (.+)$/gm)].map((match) => match[1] ?? '');
const names = ROUTES.map(({ method, path }) => `${method} ${path}`);

describe('the page of the HTTP API', () => {
  it('has each route and each shape under a heading of its own, and nothing else', () => {
    expect(headings).toEqual([...names, `GET ${STREAM_PATH}`, ...[...SHAPES.keys()].sort()]);
  });

  it('is not made for a route without words, nor for words without a route', () => {
    const [first] = ROUTES;
    if (first === undefined) throw new Error('there are no routes');
    const unknown = { ...first, path: '/v1/unknown' };
    expect(() => describedRoutes([...ROUTES, unknown])).toThrow('No words for the route GET /v1/unknown');
    const words = { ...ROUTE_WORDS, 'PUT /v1/gone': ROUTE_WORDS['GET /v1/status'] as never };
    expect(() => describedRoutes(ROUTES, words)).toThrow('PUT /v1/gone, which is no route');
  });

  it('gives each code of the API a place, and names no other', () => {
    const ours = ERROR_CODES.filter((code) => ERRORS[code].at === 'api' || ERRORS[code].at === 'both');
    expect([...codePlaces().keys()]).toEqual(ours);
    const named = [...page.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(20);
    const isFrame = (name: string): boolean => TAP_TYPES.includes(name);
    expect(named.filter((name) => !isErrorCode(name) && !isFrame(name))).toEqual([]);
  });

  it('says in which bounds the daemon takes a retention', () => {
    const section = page.slice(page.indexOf('### POST /v1/channels/retention'));
    for (const { min, max } of Object.values(RETENTION_BOUNDS))
      expect(section).toMatch(new RegExp(`: ${min}(?: \\([^)]*\\))? to ${max}\\b`));
  });
});

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

describe('openapi.json', () => {
  const document = JSON.parse(openApi()) as Document;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({ name: `${method.toUpperCase()} ${path}`, one })),
  );

  it('has each route once, under a name of its own', () => {
    expect(operations.map(({ name }) => name).sort()).toEqual([...names, `GET ${STREAM_PATH}`].sort());
    expect(new Set(operations.map(({ one }) => one.operationId)).size).toBe(operations.length);
  });

  it('refers to nothing that is not in it', () => {
    const references = [...openApi().matchAll(/"\$ref": "([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      const [, group = '', kind = '', name = ''] = /^#\/(components)\/(\w+)\/(\w+)$/.exec(reference) ?? [];
      expect(group, reference).toBe('components');
      expect(document.components[kind], reference).toHaveProperty(name);
    }
  });

  it('says for each operation what comes and that it can fail', () => {
    for (const { name, one } of operations) {
      const keys = Object.keys(one.responses);
      expect(keys, name).toContain('default');
      expect(keys.length, name).toBeGreaterThan(1);
    }
  });
});
