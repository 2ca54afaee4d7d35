/** Names for the shapes that the pages of money share. */
import type { Answer } from '@/api/client'

export type Sheet = Answer<'/api/v1/statements/summary', 'get'>
export type DocumentShown = Answer<'/api/v1/documents/{number}', 'get'>
export type Review = Answer<'/api/v1/reviews/{name}', 'get'>
