/**
 * Which cameras may be opened for a small picture. The server opens only so many at once, and a
 * request for one more would close another that only such pictures keep open: tiles would chase each
 * other. So a closed camera is asked for only while there are free places.
 */
export class Places {
  private open: ReadonlySet<string> | null = null;
  private free = 0;
  /** Asked for since the server said how many places are free. */
  private readonly asked = new Set<string>();

  /** What the server says: which cameras are open, and how many more may be. */
  update(open: Iterable<string>, free: number): void {
    this.open = new Set(open);
    this.free = free;
    this.asked.clear();
  }

  /** Whether a picture of this camera may be asked for now; it is counted as asked for then. */
  take(id: string): boolean {
    if (this.open === null || this.open.has(id) || this.asked.has(id)) return true;
    if (this.asked.size >= this.free) return false;
    this.asked.add(id);
    return true;
  }
}
