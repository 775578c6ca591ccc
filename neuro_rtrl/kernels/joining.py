"""How parts of kernels are compiled: as far as LLVM's own language, and no further.

Numba makes machine code of every function that it compiles, and puts what it calls into it first.
A part that is called by a part that is called by a kernel would be made three times, and a kernel
has dozens of parts. Here a part stays as it was written down, is put into its callers, and what
nobody but a kernel calls is optimised and made machine code of once: with the kernel.

`add_joined` belongs to the pipeline of passes, which Numba lets its users define; that a library of
code is called finished before its time is our doing. With a Numba that keeps its books in another
way parts are compiled as Numba does it.
"""

from __future__ import annotations

from typing import Any

from numba import _dynfunc
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import AnalysisPass, LoweringPass, register_pass
from numba.core.typed_passes import AnnotateTypes, NativeLowering

from neuro_rtrl.kernels.uncollected import uncollected

# What this file touches of a library of code.
_BOOKS = {"_linking_libraries", "_final_module"}
_PASSES = {"_codegen", "_optimize_functions", "_optimize_final_module"}
# Numba's passes over what no kernel has: functions within functions, `with`, errors, tuples and
# literals to unroll, sums of whole arrays, and what NumPy's functions bring along.
_IDLE = {
    "WithLifting", "InlineClosureLikes", "MakeFunctionToJitFunction", "RewriteDynamicRaises",
    "FindLiterallyCalls", "LiteralUnroll", "LiteralPropagationSubPipelinePass", "InlineOverloads",
    "NopythonRewrites",
}  # fmt: skip


class _Settings(Flags):
    """The same settings, compared in no time.

    They are part of the key under which Numba looks for every implementation of an operator, ten
    thousand times in a large kernel; each time it would put together a table of all of them.
    """

    __slots__ = ()
    _HASH = hash(Flags())

    def __hash__(self) -> int:
        return self._HASH

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Flags):
            return NotImplemented
        if self is other or self._values == other._values:
            return True
        # What neither sets is equal.
        named = {*self._values, *other._values}
        return all(getattr(self, name) == getattr(other, name) for name in named)


@register_pass(mutates_CFG=False, analysis_only=False)
class _Join(LoweringPass):
    """After lowering: the part's own code and that of its parts in one module, as it is."""

    _name = "join_parts"

    def __init__(self) -> None:
        LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        lowered, library = state["cr"], state.library
        if vars(library).keys() >= _BOOKS:
            for part in dict.fromkeys(library._linking_libraries):
                library._final_module.link_in(part._get_module_for_linking(), preserve=True)
            library._finalized = True
        description = lowered.fndesc
        # Nobody calls it from Python: Numba knows the part by this object.
        known_by = _dynfunc.make_function(
            description.lookup_module(), description.qualname, "", 0, lowered.env, (library,)
        )
        state.targetctx.insert_user_function(known_by, description, [library])
        state["cr"] = lowered._replace(cfunc=known_by)
        return True


@register_pass(mutates_CFG=False, analysis_only=True)
class _Once(AnalysisPass):
    """Before lowering: a library of code that is optimised once, when the kernel is whole.

    Numba goes over every function first, and over a kernel twice, to get rid of references that are
    counted. Ours count none. A simulation starts a tenth sooner so, and is not slower; kernels of
    learning would lose a twentieth of their speed, and their compiling is not LLVM's work.
    """

    _name = "optimise_once"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
        library.enable_object_caching()
        if set(dir(library)) >= _PASSES:
            code = library._codegen

            def lay_out(module: Any) -> None:
                module.data_layout = code._data_layout

            def optimise() -> None:
                passes, builder = code._module_pass_manager(opt=2)
                passes.run(library._final_module, builder)

            vars(library).update(_optimize_functions=lay_out, _optimize_final_module=optimise)
        state.library = library
        return False


class Whole(CompilerBase):
    """The compiler of kernels."""

    once = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags = _Settings(self.state.flags)

    @uncollected(ages=False)  # a kernel leaves much garbage: as old objects it took 250 MB more
    def compile_extra(self, func: Any) -> Any:
        """Numba's entry, of which all that a kernel calls is a part."""
        return super().compile_extra(func)

    def define_pipelines(self) -> list[Any]:
        """Numba's own passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        return [_lean(_once(passes) if self.once else passes)]


class QuickWhole(Whole):
    """The compiler of kernels that are optimised once."""

    once = True


class Part(CompilerBase):
    """The compiler of parts of kernels."""

    once = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags = _Settings(self.state.flags)

    def define_pipelines(self) -> list[Any]:
        """Numba's own passes, without the last one, which makes machine code."""
        self.state.flags.no_compile = True
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_Join, NativeLowering)
        passes.finalize()
        return [_lean(_once(passes) if self.once else passes)]


class QuickPart(Part):
    """The compiler of their parts."""

    once = True


def _once(passes: Any) -> Any:
    passes.add_pass_after(_Once, AnnotateTypes)
    passes.finalize()
    return passes


def _lean(passes: Any) -> Any:
    """The passes that have something to do, without an analysis of the whole function after each.

    Numba has it to find mistakes in passes; those that need an analysis make it themselves. The
    code is the same to the letter, a tenth sooner, and a twentieth without idle passes. Another
    Numba does not look at this name.
    """
    passes.passes = [named for named in passes.passes if named[0].__name__ not in _IDLE]
    vars(passes)["_ENFORCING"] = False
    return passes
