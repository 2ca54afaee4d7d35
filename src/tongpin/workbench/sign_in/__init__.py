"""Sign-in 登录: who somebody is, what they may do, and for how long.

What lives here: roles as data, users and their grants, passwords, sessions, tokens for machines, single sign-on.
Comes in: names, passwords, tokens. Goes out: an `Identity` with permissions and a `Scope`, or a refusal.
"""
