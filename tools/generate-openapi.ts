/**
 * `docs/reference/openapi.json` (OpenAPI 3.1): the routes, what they take and what they answer, for programs. The frames
 * of the stream have no place in OpenAPI; they are on the page `http.md`.
 */

import { problemShape, SHAPES } from '../src/api/reference/shapes.ts';
import { STREAM_WORDS } from '../src/api/reference/stream.ts';
import { type Answer, type Fields, TEXT_TYPES } from '../src/api/reference/words.ts';
import { STREAM_PATH } from '../src/api/router.ts';
import { OPTION_TABLE } from '../src/daemon/option-table.ts';
import { type DescribedRoute, describedRoutes } from './generate-http.ts';
import { type Json, layoutJson } from './json-layout.ts';
import { answerSchema, type JsonSchema, refName, requestSchema } from './json-schema.ts';
import { sentence } from './markdown.ts';

type JsonObject = { readonly [key: string]: Json };

/** The same schema with its references into `components`, and without the definitions that stand there. */
function component(schema: JsonSchema): JsonObject {
  const text = JSON.stringify({ ...schema, $defs: undefined });
  return JSON.parse(text, (key, value: Json) =>
    key === '$ref' && typeof value === 'string' ? `#/components/schemas/${refName(value)}` : value,
  ) as JsonObject;
}

function schemas(): JsonObject {
  const names = [...SHAPES.keys()].sort();
  return Object.fromEntries(
    names.map((name) => {
      const definition = answerSchema(SHAPES.get(name) ?? problemShape).$defs?.[name];
      if (definition === undefined) throw new Error(`The shape ${name} has no schema.`);
      return [name, component(definition)];
    }),
  );
}

function parameters({ schema, words }: Fields, place: 'query' | 'header'): Json[] {
  const { properties = {}, required = [] } = requestSchema(schema);
  return Object.entries(properties).map(([name, node]) => ({
    name,
    in: place,
    required: required.includes(name),
    description: sentence(words[name] ?? ''),
    schema: component(node),
  }));
}

function requestBody({ schema, words }: Fields): JsonObject {
  const { properties = {}, ...rest } = requestSchema(schema);
  const described = Object.entries(properties).map(([name, node]) => [
    name,
    { ...node, description: words[name] ?? '' },
  ]);
  const whole: JsonSchema = { ...rest, properties: Object.fromEntries(described) };
  return { required: true, content: { 'application/json': { schema: component(whole) } } };
}

function answer({ when, shape }: Answer): JsonObject {
  const description = sentence(when ?? 'done');
  if (typeof shape === 'string')
    return { description, content: { [TEXT_TYPES[shape]]: { schema: { type: 'string' } } } };
  return { description, content: { 'application/json': { schema: component(answerSchema(shape)) } } };
}

/** `getMessagesId` of `GET /v1/messages/{id}`. */
function operationId({ route }: DescribedRoute): string {
  const words = route.path.split(/[^a-z]+/i).filter((word) => word !== '' && word !== 'v');
  return [route.method.toLowerCase(), ...words.map((word) => word[0]?.toUpperCase() + word.slice(1))].join(
    '',
  );
}

function operation(described: DescribedRoute): JsonObject {
  const { route, words } = described;
  const path: Json[] =
    words.parameter === undefined
      ? []
      : [
          {
            name: 'id',
            in: 'path',
            required: true,
            description: sentence(words.parameter),
            schema: { type: 'string' },
          },
        ];
  const asked = [
    ...path,
    ...(words.query === undefined ? [] : parameters(words.query, 'query')),
    ...(words.headers === undefined ? [] : parameters(words.headers, 'header')),
  ];
  const answers = words.answers.map((one) => [`${one.status}`, answer(one)]);
  return {
    operationId: operationId(described),
    summary: sentence(words.summary),
    description: [`Scope: \`${route.scope}\`.`, ...(words.notes ?? [])].join('\n\n'),
    ...(asked.length > 0 && { parameters: asked }),
    ...(words.body !== undefined && { requestBody: requestBody(words.body) }),
    responses: { ...Object.fromEntries(answers), default: { $ref: '#/components/responses/Problem' } },
  };
}

function paths(): JsonObject {
  const all: Record<string, Record<string, Json>> = {};
  for (const described of describedRoutes()) {
    const { path, method } = described.route;
    all[path] = { ...all[path], [method.toLowerCase()]: operation(described) };
  }
  all[STREAM_PATH] = {
    get: {
      operationId: 'getStream',
      summary: sentence(STREAM_WORDS.summary),
      description: 'The frames are described in http.md.',
      responses: {
        '101': { description: 'The connection is a WebSocket now.' },
        default: { $ref: '#/components/responses/Problem' },
      },
    },
  };
  return all;
}

function document(): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenClaw Messaging, local API',
      version: '1',
      description:
        'The API of a daemon for programs on the same machine. Generated by `npm run docs:generate`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: 'http://127.0.0.1:{port}',
        description: 'The file api.json in the data folder names the port.',
        variables: { port: { default: OPTION_TABLE.MESH_API_PORT.fallback } },
      },
    ],
    security: [{ token: [] }],
    paths: paths(),
    components: {
      schemas: schemas(),
      responses: {
        Problem: {
          description: 'It failed: the code says why, and `do` what to do about it.',
          content: {
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          },
        },
      },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The content of the file token in the data folder.',
        },
      },
    },
  };
}

export function openApi(): string {
  return layoutJson(document());
}
