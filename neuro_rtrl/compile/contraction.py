"""Which products and sums of generated code are rounded together: a b + c -> fma(a, b, c).

A compiler that may choose fuses a multiplication here and not there, by what stands around it. Then
the same formula has other last bits in another loop. So the choice is made in the text: of a sum of
two products the left one is fused, and a product that has a name is not.
"""

from __future__ import annotations

import ast


def contracted(source: str) -> str:
    """Python source with every such sum written as `fma`; indices are left alone.

    >>> contracted("y = a + b*c - d*x[2*i + 1]")
    'y = fma(-d, x[2 * i + 1], fma(b, c, a))'
    """
    return ast.unparse(_Contraction().visit(ast.parse(source)))


class _Contraction(ast.NodeTransformer):
    """Rewrites sums from the inside to the outside."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Indices are whole numbers."""
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """A sum with a product in it."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Add | ast.Sub):
            return node
        minus = isinstance(node.op, ast.Sub)
        left, right = node.left, node.right
        if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
            return _fma(left.left, left.right, _negative(right) if minus else right)
        if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Mult):
            return _fma(_negative(right.left) if minus else right.left, right.right, left)
        return node


def _negative(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def _fma(a: ast.expr, b: ast.expr, c: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("fma", ast.Load()), [a, b, c], [])
