"""The grammar of REDCap logic. `not` binds looser than a comparison, `!` like a sign, `and` tighter than `or`."""

GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction (_OR conjunction)*
?conjunction: negation (_AND negation)*
?negation: _NOT negation -> negated
         | comparison
?comparison: sum (COMPARISON sum)?
?sum: product (SIGN product)*
?product: power (TIMES power)*
?power: unary (_CARET unary)?
?unary: SIGN unary -> signed
      | _BANG unary -> negated
      | atom
?atom: NUMBER   -> number
     | STRING   -> text
     | BRACKETS -> reference
     | call
     | WORD     -> word
     | _OPEN disjunction _CLOSE
call: NAME _OPEN (disjunction (_COMMA disjunction)*)? _CLOSE

_OR.3: /or\b/i | "||"
_AND.3: /and\b/i | "&&"
_NOT.3: /not\b/i
WORD.2: /(today|now|true|false)\b(?!\s*\()/i
NAME: /[a-z_][a-z0-9_]*/i
NUMBER: /([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?/i
STRING: /'[^']*'|"[^"]*"/
BRACKETS: /\[[^\[\]]*\](\[[^\[\]]*\])*/
COMPARISON: "<>" | "!=" | "<=" | ">=" | "=" | "<" | ">"
SIGN: "+" | "-"
_BANG: "!"
TIMES: "*" | "/"
_CARET: "^"
_OPEN: "("
_CLOSE: ")"
_COMMA: ","
COMMENT.4: /(#|\/\/)[^\n]*/

%ignore /\s+/
%ignore COMMENT
"""
