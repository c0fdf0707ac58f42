/** Whole trees, trees below, and leaves, of rich-tree.sql. */
export const TARGETS = [
  { schema: 'Sales', name: 'Events' },
  { schema: 'Sales', name: 'raw' },
  { schema: 'Sales', name: 'by_name' },
  { schema: 'Sales', name: 'events_2026' },
  { schema: 'Sales', name: 'events_rest' },
  { schema: 'archive', name: 'events_2027' },
  { schema: 'Sales', name: 'Events 2025' },
  { schema: 'archive', name: 'events_2027_1' },
  { schema: 'Sales', name: 'events_rest_rest' },
  { schema: 'Sales', name: 'by_name_b_1' },
  // Once more, on what a full load has made.
  { schema: 'Sales', name: 'Events' },
];
/** A name that needs quotes. */
export const STAGING_NAME = 'staging of a tree';
