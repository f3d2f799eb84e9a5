export function fencedBlocks(
  markdown: string,
  language: string,
): readonly { readonly line: number; readonly text: string }[];
