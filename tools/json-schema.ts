/** The zod schemas of the API as JSON Schema, and as words for the reference. */
import { z } from 'zod';
import { ID_PATTERN } from '../src/api/reference/shapes.ts';
import { anchor, list } from './markdown.ts';

/** The part of JSON Schema that our schemas use. */
export interface JsonSchema {
  $schema?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  type?: string | string[];
  description?: string;
  enum?: (string | number)[];
  const?: string | number;
  format?: string;
  pattern?: string;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

/** What a reader gains nothing from: the pattern of a time, and the bound of every integer. */
function tidy({ jsonSchema }: { jsonSchema: object }): void {
  const node = jsonSchema as JsonSchema;
  if (node.format === 'date-time') delete node.pattern;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
}

function convert(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any', override: tidy }) as JsonSchema;
}

/** Text in a query that means a number is shown as the number; a value that is brought into form, as what is sent. */
function merge(input: JsonSchema, output: JsonSchema | undefined): JsonSchema {
  if (output === undefined || Object.keys(output).length === 0) return input;
  const merged = { ...output };
  if (input.items) merged.items = merge(input.items, output.items);
  if (input.oneOf) merged.oneOf = input.oneOf.map((one, i) => merge(one, output.oneOf?.[i]));
  if (input.properties) {
    const pairs = Object.entries(input.properties);
    merged.properties = Object.fromEntries(
      pairs.map(([name, one]) => [name, merge(one, output.properties?.[name])]),
    );
  }
  return merged;
}

/** What a client sends. */
export function requestSchema(schema: z.ZodType): JsonSchema {
  const { $schema, ...merged } = merge(convert(schema, 'input'), convert(schema, 'output'));
  return merged;
}

/** What a client gets; named shapes are references into `$defs`. */
export function answerSchema(schema: z.ZodType): JsonSchema {
  const { $schema, ...rest } = convert(schema, 'input');
  return rest;
}

/** The name behind a reference such as `#/$defs/Message`. */
export function refName(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function numberText(kind: string, { minimum, maximum }: JsonSchema): string {
  if (minimum === undefined || maximum === undefined) return kind;
  return `${kind}, ${minimum} to ${maximum}`;
}

function listText({ items, maxItems }: JsonSchema): string {
  const most = maxItems === undefined ? '' : `, at most ${maxItems}`;
  return `list of ${typeText(items ?? {})}${most}`;
}

function objectText({ properties = {}, required = [] }: JsonSchema): string {
  const members = Object.entries(properties).map(
    ([name, one]) => `\`${name}\`${required.includes(name) ? '' : '?'} (${typeText(one)})`,
  );
  return members.length === 0 ? 'object' : `object with ${list(members)}`;
}

/** A type in words, with links to named shapes. */
export function typeText(node: JsonSchema): string {
  const choices = node.anyOf ?? node.oneOf;
  if (choices !== undefined) return list(choices.map(typeText), 'or');
  if (Array.isArray(node.type))
    return list(
      node.type.map((type) => typeText({ ...node, type })),
      'or',
    );
  if (node.$ref !== undefined) return `[${refName(node.$ref)}](#${anchor(refName(node.$ref))})`;
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined)
    return list(
      node.enum.map((one) => `\`${one}\``),
      'or',
    );
  if (node.format === 'date-time') return 'time';
  if (node.pattern === ID_PATTERN) return 'id';
  switch (node.type) {
    case 'string':
      return 'text';
    case 'integer':
      return numberText('whole number', node);
    case 'number':
      return numberText('number', node);
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array':
      return listText(node);
    case 'object':
      return objectText(node);
    case undefined:
      return 'any JSON';
    default:
      throw new Error(`no words for the type ${node.type}`);
  }
}
