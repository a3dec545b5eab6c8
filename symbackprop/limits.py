"""Every limit of the program, in one place, each with its unit.

A limit that is reached ends in an error that names it; nothing is cut silently.
"""

FILE_BYTES = 1_000_000  # an exercise file
LINE_BYTES = 20_000  # one line of notation
TOKENS = 5_000  # in one formula
DEPTH = 40  # of nested brackets, braces or arrays
DIGITS = 4_000  # of one number as written
EXPONENT = 400  # absolute value, of a power of ten or of a written power
HAND_DIGITS = 60  # of one number written by hand
HAND_EQUATIONS = 200  # of a model against which lines written by hand are checked
HAND_OPERATIONS = 40_000  # for one line written by hand, at all points together
EQUATIONS = 500  # in one model
SIZE = 4_096  # of one axis of an array
ENTRIES = 250_000  # of one array
LOOP = 4_000_000  # terms of one index equation: its entries times the terms of their sums
COMPARED_ENTRIES = 100_000  # of one gradient, before its numbers are not compared with differences
SHOWN_COLUMNS = 8  # of a matrix on the page; wider ones are abbreviated with dots
SHOWN_ROWS = 8
PRECISION_BITS = 4_096  # of interval arithmetic, before "not certified"
DIGITS_ASKED = 100  # decimals after the point
ANSWER_DIGITS = 400  # an exact number longer than this is shown rounded

EXPLAINED = 1_500  # wrong formulas that are tried to explain one line
EXPLAINED_OPERATIONS = 40_000  # spent on them, at all points together
EXPLAINED_TIES = 400  # that are tried after one has explained it, for others that do so equally well
EXPLAINED_PARTS = 600  # of a formula that is explained
EXPLAINED_IN_LINE = 60  # wrong statements of one line, or block, that are explained
EXPLAINED_DEPTH = 3  # steps upstream of a line in which its mistake is looked for
EXPLANATIONS = 4  # mistakes that are named for one line

DESCENT_STEPS = 10_000  # of gradient descent
DESCENT_CERTIFIED = 200  # steps; beyond them two precisions must agree, and numbers are marked ≈
DESCENT_SECONDS = 120  # wall time of a whole descent
DESCENT_DIGITS = 200  # an exact number longer than this goes into the next step as an interval
DESCENT_ENTRIES = 20_000  # numbers of parameters kept from all steps; of more, only the first and last steps'
DESCENT_BITS = 2_048  # the higher of the two precisions

PROOFREADING_OPERATIONS = 5_000_000  # of one formula of a report that is read back
PROOFREADING_STEPS = 20  # of a descent that is walked again
PROOFREADING_BITS = 4_000  # of an exact number on that walk
PROOFREADING_SECONDS = 20  # processor time of reading a report back; what is left then is named
TYPESETTING_SECONDS = 60  # wall time of one run of a typesetter
TYPESETTING_CPU_SECONDS = 50
TYPESETTING_PAGE_SECONDS = 0.5  # more of both for each page of a run of many papers
TYPESETTING_PAPERS = 200  # of an exam in one run
TYPESETTING_MEMORY = 2_000_000_000  # bytes of address space
TYPESETTING_FILE = 50_000_000  # bytes of one written file
TEMPLATE_OUTPUT = 20_000_000  # characters of one rendered report

EXAM_QUESTIONS = 50  # of one exam
EXAM_PARTS = 26  # of one question: they are lettered
EXAM_POINTS = 1_000  # of one part
EXAM_ENTRIES = 400  # numbers of all arrays of one question: it is worked out by hand
EXAM_NUMBER = 1_000_000_000  # of a product, where a question sets no bound
EXAM_RANGE = 2_000  # numbers that one entry may be
EXAM_DENOMINATOR = 60  # of the step of a range
EXAM_STUDENTS = 20_000  # variants of one exam
EXAM_ATTEMPTS = 3_000  # constructions for one student
SECRET_BYTES = (16, 4_096)  # of the secret that an exam's numbers are made with: least and most
