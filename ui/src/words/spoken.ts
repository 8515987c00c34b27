import { type SentenceView, sentenceText } from './sentence';

/**
 * What a screen reader says of the newest change. Words that came since `afterId` are said
 * together, with their numbers, so that the same word twice is heard twice.
 */
export function spoken({ words, dropped, last }: SentenceView, afterId: number): string {
  switch (last.kind) {
    case 'nothing':
      return '';
    case 'added': {
      const fresh = words.filter((word) => word.id > afterId);
      const count = dropped + words.length;
      if (fresh.length === 0) return '';
      return fresh.length === 1
        ? `Word ${count}: ${sentenceText(fresh)}`
        : `Words ${count - fresh.length + 1} to ${count}: ${sentenceText(fresh)}`;
    }
    case 'taken back':
      return `Removed: ${sentenceText(last.words)}. ${remaining(words.length)}`;
    case 'brought back':
      return `Restored. ${remaining(words.length)}`;
    case 'cleared':
      return 'The sentence is empty.';
  }
}

function remaining(words: number): string {
  return words === 1 ? '1 word.' : `${words} words.`;
}
