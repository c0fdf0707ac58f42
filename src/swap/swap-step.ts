/** One statement of the swap; `reason` marks those whose time grows with the rows. */
export interface Step {
  readonly statement: string;
  readonly reason?: string;
}

/** What the statements need besides the dependents. */
export interface SwapValues {
  /** The extreme value of the new rows in the column of each sequence; null: none. */
  readonly maxValues: ReadonlyMap<string, string | null>;
  /** The statement that goes back to the session's own role. */
  readonly ownRole: string;
}
