/** Names for the shapes that the pages of money share. */
import type { Answer } from '@/api/client'

export type Sheet = Answer<'/api/v1/statements/summary', 'get'>
export type SheetPart = NonNullable<Sheet['sections']>[number]
export type DocumentShown = Answer<'/api/v1/documents/{number}', 'get'>
export type Review = Answer<'/api/v1/reviews/{name}', 'get'>

/** A page path with columns of a row in braces, filled; nothing when a part is missing. */
export function filled(pattern: string, row: Record<string, unknown>): string | undefined {
  let whole = true
  const path = pattern.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = row[name]
    whole &&= value !== null && value !== undefined && value !== ''
    return encodeURIComponent(String(value))
  })
  return whole ? path : undefined
}
