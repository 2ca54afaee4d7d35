/** Names for the shapes of openapi.json that many pages use. */
import type { Written } from '@/format'
import type { Answer, BodyOf } from './client'

export type Me = Answer<'/api/v1/me', 'get'>
export type Table = Answer<'/api/v1/tables/{name}', 'get'>
export type Column = Table['columns'][number]
export type Rows = Answer<'/api/v1/tables/{name}/rows', 'post'>
export type Row = Rows['rows'][number]
export type RowsWanted = BodyOf<'/api/v1/tables/{name}/rows', 'post'>
export type Filter = NonNullable<RowsWanted['filters']>[number]
export type Sort = NonNullable<RowsWanted['sort']>[number]

/** A part of a page as the server describes it: fields, or rows under columns. */
export interface Section {
  id: string
  label: string
  note?: string
  fields?: (Written & { id: string; label: string; value: unknown; note?: string })[]
  columns?: (Written & { id: string; label: string })[]
  rows?: Record<string, unknown>[]
  /** Where the first cell of a row leads: a page path with columns in braces. */
  link?: string | null
}

/** A figure (KPI) as every cockpit and workplace gets it. */
export interface Figure {
  id: string
  label: string
  value: number | null
  unit: string | null
  text: string | null
  change: number | null
  change_text: string | null
  reading: 'better' | 'worse' | 'none'
  note: string | null
  definition: {
    form?: string | null
    population?: string | null
    period?: string | null
    weight_edition?: string | null
    benchmark?: string | null
    reference?: string | null
    simulated?: boolean | null
  }
  href?: string | null
}
