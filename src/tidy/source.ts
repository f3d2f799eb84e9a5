/**
 * Reads TypeScript just well enough for the tidy checks, without a compiler (TypeScript 7 has no JavaScript API).
 *
 * The idea: one pass separates code, comments and strings. `code` has the length and the line breaks of the
 * original, with comments and the insides of strings blanked, so that a pattern can neither match inside a comment
 * nor lose its line number. The parts in `${...}` of a template stay code.
 *
 * A guess: whether `/` starts a regular expression is decided by what stands before it, as all small scanners do.
 */

/** A piece of the original text. `start` is its offset, in UTF-16 code units. */
export type Piece = { readonly start: number; readonly text: string };

export type Scanned = { readonly code: string; readonly comments: Piece[]; readonly strings: Piece[] };

export type Import = {
  /** As written: `./x.ts`, `node:fs`, `ws`. */
  readonly specifier: string;
  /** Line of the specifier, from 1. */
  readonly line: number;
  /** True for `import type` and `export type`. */
  readonly typeOnly: boolean;
};

export type FunctionSize = { readonly name: string; readonly line: number; readonly lines: number };

const BEFORE_EXPRESSION =
  /(?:^|[=(,;:!&|?{}[+\-*%^~<>]|\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield|throw|new))\s*$/;

class Scanner {
  readonly comments: Piece[] = [];
  readonly strings: Piece[] = [];
  private readonly text: string;
  private readonly out: string[];
  private at = 0;

  constructor(text: string) {
    this.text = text;
    this.out = text.split('');
  }

  scan(): Scanned {
    if (this.text.startsWith('#!')) this.comment('\n', 0);
    this.codeUntilClosingBrace(false);
    return { code: this.out.join(''), comments: this.comments, strings: this.strings };
  }

  /** Consumes code; inside a template it returns at the `}` that ends the expression. */
  private codeUntilClosingBrace(inTemplate: boolean): void {
    let depth = 0;
    while (this.at < this.text.length) {
      const char = this.text[this.at];
      const pair = this.text.slice(this.at, this.at + 2);
      if (inTemplate && char === '}' && depth === 0) return;
      if (pair === '//') this.comment('\n', 0);
      else if (pair === '/*') this.comment('*/', 2);
      else if (char === "'" || char === '"') this.quoted(char);
      else if (char === '`') this.template();
      else if (char === '/' && this.startsExpression()) this.regex();
      else {
        if (char === '{') depth += 1;
        if (char === '}') depth -= 1;
        this.at += 1;
      }
    }
  }

  private startsExpression(): boolean {
    return BEFORE_EXPRESSION.test(this.out.slice(Math.max(0, this.at - 80), this.at).join(''));
  }

  private comment(end: string, endLength: number): void {
    const found = this.text.indexOf(end, this.at + 2);
    const stop = found < 0 ? this.text.length : found + endLength;
    this.comments.push({ start: this.at, text: this.text.slice(this.at, stop) });
    this.blank(this.at, stop);
    this.at = stop;
  }

  private quoted(quote: string): void {
    const start = this.at + 1;
    this.at = start;
    while (this.at < this.text.length && this.text[this.at] !== quote && this.text[this.at] !== '\n') {
      this.at += this.text[this.at] === '\\' ? 2 : 1;
    }
    this.string(start, this.at);
    this.at += 1;
  }

  private template(): void {
    this.at += 1;
    let start = this.at;
    while (this.at < this.text.length && this.text[this.at] !== '`') {
      if (this.text.startsWith('${', this.at)) {
        this.string(start, this.at);
        this.at += 2;
        this.codeUntilClosingBrace(true);
        start = this.at + 1;
        this.at += 1;
      } else {
        this.at += this.text[this.at] === '\\' ? 2 : 1;
      }
    }
    this.string(start, this.at);
    this.at += 1;
  }

  private regex(): void {
    const start = this.at + 1;
    let inClass = false;
    this.at = start;
    while (this.at < this.text.length && this.text[this.at] !== '\n') {
      const char = this.text[this.at];
      if (char === '/' && !inClass) break;
      if (char === '[') inClass = true;
      if (char === ']') inClass = false;
      this.at += char === '\\' ? 2 : 1;
    }
    this.blank(start, this.at);
    this.at += 1;
  }

  private string(start: number, end: number): void {
    this.strings.push({ start, text: this.text.slice(start, end) });
    this.blank(start, end);
  }

  private blank(start: number, end: number): void {
    for (let i = start; i < end && i < this.out.length; i++) {
      if (this.out[i] !== '\n') this.out[i] = ' ';
    }
  }
}

export function scanSource(text: string): Scanned {
  return new Scanner(text).scan();
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

const IMPORT_PATTERNS = [
  /\b(?:import|export)\b(?<clause>[^'"`;()=]*?)\bfrom\s*['"]/g,
  /\bimport\s*['"]/g,
  /\bimport\s*\(\s*['"`]/g,
];

/** Every import, re-export, side-effect import and `import('...')` with a literal. */
export function findImports(scanned: Scanned): Import[] {
  const byStart = new Map(scanned.strings.map((piece) => [piece.start, piece.text]));
  const found: Import[] = [];
  for (const pattern of IMPORT_PATTERNS) {
    for (const match of scanned.code.matchAll(pattern)) {
      const start = match.index + match[0].length;
      const specifier = byStart.get(start);
      if (specifier === undefined) continue;
      const typeOnly = /^\s*type\s+[\w{*$]/.test(match.groups?.clause ?? '');
      found.push({ specifier, line: lineAt(scanned.code, start), typeOnly });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

const CONTROL = new Set(['if', 'for', 'while', 'switch', 'catch', 'with']);

/** Offset of the partner of the bracket at `open`, or the end of the text. */
function closing(code: string, open: number): number {
  const [up, down] = code[open] === '(' ? ['(', ')'] : ['{', '}'];
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if (code[i] === up) depth += 1;
    else if (code[i] === down && --depth === 0) return i;
  }
  return code.length;
}

/** From just behind a parameter list: the `{` of the body, after a possible return type and `=>`; or -1. */
function bodyStart(code: string, from: number): number {
  for (let i = from; i < code.length; i++) {
    const char = code[i] as string;
    if (char === '{') {
      // In `): { a: 1 } {` the first brace belongs to the type.
      if (!/(?:[:|&<,]|\bis)\s*$/.test(code.slice(from, i))) return i;
      i = closing(code, i);
    } else if (char === '(') {
      i = closing(code, i);
    } else if (char === '=' && code[i + 1] === '>') {
      i += 1;
    } else if (!/[\s\w:.|&<>[\],'"$?]/.test(char)) {
      return -1;
    } else if (i === from && !/[\s:]/.test(char)) {
      return -1;
    }
  }
  return -1;
}

/** Every function, method and arrow function with a braced body; lines from its name to its closing brace. */
export function measureFunctions(scanned: Scanned): FunctionSize[] {
  const { code } = scanned;
  const sizes: FunctionSize[] = [];
  for (let open = code.indexOf('('); open >= 0; open = code.indexOf('(', open + 1)) {
    const before = code.slice(Math.max(0, open - 200), open);
    const name = /([\w$#]+)\s*(?:<[^()]*>)?\s*$/.exec(before)?.[1] ?? '';
    if (CONTROL.has(name)) continue;
    const end = closing(code, open);
    const body = bodyStart(code, end + 1);
    if (body < 0) continue;
    const assigned = /([\w$#]+)(?:\s*:[^=;]*)?\s*[=:]\s*(?:async\s*)?$/.exec(before)?.[1];
    const line = lineAt(code, open);
    sizes.push({
      name: assigned ?? (name || '(anonymous)'),
      line,
      lines: lineAt(code, closing(code, body)) - line + 1,
    });
  }
  return sizes;
}
