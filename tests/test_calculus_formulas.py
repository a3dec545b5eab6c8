"""Gradients of every operation as a course writes them, at sizes that differ; each is certified too."""

import pytest
from worked import formulas, worked

Row = tuple[tuple[str, ...], dict[str, object], dict[str, str]]

OPERATIONS: list[Row] = [
    # Petersen & Pedersen, The Matrix Cookbook (2012): (100) to (102), (81), (80)
    (("L = trace(A X B)",), {"A": "nm", "X": "mk", "B": "kn"}, {"dX": "A^T B^T", "dA": "B^T X^T"}),
    (("L = trace(A^T B)",), {"A": "mn", "B": "mn"}, {"dA": "B", "dB": "A"}),
    (("L = trace(X^T A X)",), {"A": "nn", "X": "nk"}, {"dX": "(A + A^T) X", "dA": "X X^T"}),
    (("L = x^T A x",), {"A": "nn"}, {"dx": "(A + A^T) x"}),
    (("L = 1/2 (x - m)^T P (x - m)",), {"P": "nn"}, {
        "dx": "1/2 (P + P^T) (x - m)", "dm": "-1/2 (P + P^T) (x - m)", "dP": "1/2 (x - m) (x - m)^T",
    }),
    (("L = 1/2 x^T A x - b^T x",), {"A": "nn"}, {"dx": "1/2 (A + A^T) x - b", "db": "-x"}),
    (("L = trace(A)",), {"A": "nn"}, {"dA": "eye(n)"}),
    (("v = diag(A)", "L = 1/2 ||v||^2"), {"A": "nn"}, {"dv": "v", "dA": "diag(dv)"}),
    (("z = (A + 2 eye(n)) x", "L = 1/2 ||z||^2"), {"A": "nn"}, {"dA": "dz x^T", "dx": "(A + 2 eye(n))^T dz"}),
    (("M = outer(u, v)", "s = dot(u, u)", "L = s sum(M * A)"), {"A": "mn"}, {
        "ds": "sum(M ⊙ A)", "dM": "s A", "du": "dM v + 2 ds u", "dv": "dM^T u",
    }),
    # what is put together comes apart, and the other way round
    (("a = x[2:4]", "L = 1/2 ||a - y||^2"), {"x": "6"}, {"da": "a - y", "dx": "stack(0, da, zeros(2))"}),
    (("a = x[2:n]", "L = 1/2 ||a - x[1:n - 1]||^2"), {"x": "n"}, {
        "da": "a - x[1:n - 1]", "dx": "stack(0, da) + stack(x[1:n - 1] - a, 0)",
    }),
    (("A = X[2:m,:]", "L = sum(square(A))"), {"X": "mn"}, {"dA": "2 A", "dX": "stack(zeros(1, n), dA)"}),
    (("A = X[:,2:3]", "L = sum(A * A)"), {"X": "mn"}, {"dX[p,q]": "dA[p,q - 1] where 2 ≤ q ≤ 3"}),
    (("s = stack(a, b, c)", "z = W s", "L = 1/2 ||z - y||^2"), {
        "a": "n", "b": "m", "c": "", "W": ["k", "n + m + 1"],
    }, {"ds": "W^T dz", "da": "ds[1:n]", "db": "ds[n + 1:m + n]", "dc": "ds[m + n + 1]"}),
    (("z = V stack(h, x)", "L = 1/2 ||z - y||^2"), {"h": "k", "x": "n", "V": ["l", "k + n"]}, {
        "dV": "hstack(dz h^T, dz x^T)", "dh": "V[:,1:k]^T dz", "dx": "V[:,k + 1:k + n]^T dz",
    }),
    (("C = hstack(A, B)", "Z = C V", "L = sum(Z * Z)"), {"A": "nd", "B": "ne", "V": ["d + e", "k"]}, {
        "dC": "dZ V^T", "dA": "dC[:,1:d]", "dB": "dC[:,d + 1:d + e]",
    }),
    (("v = E[3,:]", "L = v w"), {"E": "5d"}, {"dE": "stack(zeros(2, d), dv, zeros(2, d))"}),
    # scalars, quotients, powers
    (("f = (x + y) z",), dict.fromkeys("xyz", ""), {"dx": "z", "dy": "z", "dz": "x + y"}),
    (("L = a^b",), {"a": "", "b": ""}, {"da": "b a^(b - 1)", "db": "a^b log(a)"}),
    (("L = 1/2 ||X w - y||^2 / m",), {"X": "mn"}, {"dw": "(1 / m) X^T (X w - y)", "dy": "(y - X w) / m"}),
    (("L = 1/(2 m) ||X w - y||^2 + r/2 ||w||^2",), {"X": "mn", "r": ""}, {
        "dX": "(1 / m) (X w - y) w^T", "dw": "(1 / m) X^T (X w - y) + r w", "dr": "1/2 ||w||^2",
    }),
    (("L = 1/2 ||y - z||^2",), {"z": "k"}, {"dz": "z - y", "dy": "y - z"}),
    (("L = ||a - p||^2 - ||a - q||^2",), {"a": "n"}, {"da": "2 (q - p)", "dp": "2 (p - a)"}),
    (("L = 1/2 sum(log(s) + (y - m)^2 / s)",), {"m": "n", "s": ""}, {
        "ds": "n / (2 s) - ||y - m||^2 / (2 s^2)", "dm": "(m - y) / s",
    }),
    # Doersch, Tutorial on variational autoencoders (2016): the divergence of a Gaussian
    (("L = -1/2 sum(1 + l - m * m - exp(l))",), {"m": "n"}, {"dm": "m", "dl": "1/2 (exp(l) - 1)"}),
    (("a = max(x, y)", "L = sum(a)"), {"x": "n", "y": "n"}, {
        "dx": "da ⊙ excess'(x - y)", "dy": "da ⊙ (1 - excess'(x - y))",
    }),
    (("L = sum(max(0, s))",), {"s": "n"}, {"ds": "excess'(s)"}),
    # Ioffe & Szegedy, Batch normalization (2015), section 3
    (
        (
            "mu = mean(X, axis = 0)", "D = X - 1 mu^T", "v = mean(square(D), axis = 0)", "s = sqrt(v + eps)",
            "H = D / (1 s^T)", "Y = H * (1 gamma^T) + 1 beta^T", "L = sum(Y * G)",
        ),
        {"X": "Nn", "gamma": "n", "beta": "n", "eps": ""},
        {
            "dgamma": "(dY ⊙ H)^T ones(N)", "dbeta": "dY^T ones(N)", "dH": "dY ⊙ ones(N) gamma^T",
            "ds": "-(dH ⊙ D)^T ones(N) / square(s)", "dv": "ds / (2 s)", "dmu": "-dD^T ones(N)",
            "dD": "(2 / N) (ones(N) dv^T ⊙ D) + dH / (ones(N) s^T)", "dX": "(1 / N) ones(N) dmu^T + dD",
        },
    ),
    # Vaswani et al., Attention is all you need (2017), equation (1)
    (
        ("S = Q K^T / sqrt(d)", "A = softmax(S)", "O = A V", "L = 1/2 ||O - Y||_F^2"),
        {"Q": "nd", "K": "md", "V": "mv"},
        {
            "dV": "A^T dO", "dA": "dO V^T", "dS": "A ⊙ (dA - (dA ⊙ A) ones(m) ones(m)^T)",
            "dQ": "1 / sqrt(d) dS K", "dK": "1 / sqrt(d) dS^T Q",
        },
    ),
    # two heads: every part of K gets what its own head sends back
    (
        ("A = Q[:,1:2] K[:,1:2]^T", "B = Q[:,3:4] K[:,3:4]^T", "O = hstack(A V, B V)", "L = sum(O * G)"),
        {"Q": ["n", 4], "K": ["m", 4], "V": "mv"},
        {
            "dQ": "hstack(dA K[:,1:2], dB K[:,3:4])", "dK": "hstack(dA^T Q[:,1:2], dB^T Q[:,3:4])",
            "dA": "dO[:,1:v] V^T", "dV": "A^T dO[:,1:v] + B^T dO[:,v + 1:2 v]",
        },
    ),
    # Cho et al. (2014): a gate between two values
    (("h = (1 - z) * p + z * g", "L = 1/2 ||h - y||^2"), {"z": "n"}, {
        "dz": "dh ⊙ (g - p)", "dp": "dh ⊙ (1 - z)", "dg": "dh ⊙ z",
    }),
    (("p = softmax(z)", "L = v^T p"), {"z": "k"}, {"dz": "p ⊙ (dp - p^T dp ones(k))"}),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "shapes", "expected"), OPERATIONS, ids=lambda part: str(part)[:60])
def test_operations(equations: tuple[str, ...], shapes: dict[str, object], expected: dict[str, str]) -> None:
    found = formulas(worked(*equations, shapes=shapes))
    assert {name: found.get(name) for name in expected} == expected


CONVOLUTION = "y[i,j] = sum(a, b: K[a,b] x[i+a-1, j+b-1])"
PADDED = "y[i] = sum(a: K[a] x[i+a-2] where 1 <= i + a - 2 <= m)"
TRANSPOSED = "y[i] = sum(a: K[a] x[i-a+1] where 1 <= i - a + 1 <= m)"

IN_INDICES: list[Row] = [
    # Goodfellow, Bengio & Courville, Deep learning (2016), (9.11) to (9.13)
    (
        (CONVOLUTION, "L = 1/2 ||y - t||_F^2"), {"K": "rs", "x": "mn"},
        {
            "dK[p,q]": "sum(i = 1..m - r + 1, j = 1..n - s + 1: dy[i,j] x[i + p - 1,j + q - 1])",
            "dx[p,q]": "sum(a = 1..r, b = 1..s: dy[p - a + 1,q - b + 1] K[a,b] where "
            "1 ≤ p - a + 1 ≤ m - r + 1, 1 ≤ q - b + 1 ≤ n - s + 1)",
        },
    ),
    ((PADDED, "L = sum(y * t)"), {"K": "3", "x": "m", "y": "m"}, {
        "dK[i]": "sum(j = 1..m: dy[j] x[i + j - 2] where 1 ≤ i + j - 2 ≤ m)",
        "dx[i]": "sum(a = 1..3: dy[i - a + 2] K[a] where 1 ≤ i - a + 2 ≤ m)",
    }),
    (("y[i] = sum(a: K[a] x[2 i + a - 2])", "L = sum(y * t)"), {"K": "3", "x": "9"}, {
        "dK[i]": "sum(j = 1..4: dy[j] x[i + 2 j - 2])",
        "dx[i]": "sum(j = 1..4: dy[j] K[i - 2 j + 2] where 1 ≤ i - 2 j + 2 ≤ 3)",
    }),
    # dilation
    (("y[i] = sum(a: K[a] x[i + 2 a - 2])", "L = sum(y * t)"), {"K": "3", "x": "9"}, {
        "dK[i]": "sum(j = 1..5: dy[j] x[j + 2 i - 2])",
        "dx[p]": "sum(a = 1..3: dy[p - 2 a + 2] K[a] where 1 ≤ p - 2 a + 2 ≤ 5)",
    }),
    # transposed convolution: its gradient is a convolution
    ((TRANSPOSED, "L = sum(y * t)"), {"K": "r", "x": "m", "y": "k"}, {
        "dx[i]": "sum(a = 1..r: dy[i + a - 1] K[a] where 1 ≤ i + a - 1 ≤ k)",
    }),
    (("y[i,j] = 1/4 sum(a = 1..2, b = 1..2: x[2 i + a - 2, 2 j + b - 2])", "L = sum(y * t)"), {"x": "44"}, {
        "dx[p,q]": "1/4 sum(i = 1..2, j = 1..2: dy[i,j] where 1 ≤ p - 2 i + 2 ≤ 2, 1 ≤ q - 2 j + 2 ≤ 2)",
    }),
    # several channels with a bias each
    (
        ("y[f,i,j] = sum(d, a, e: K[f,d,a,e] x[d, i+a-1, j+e-1]) + b[f]", "L = sum(y * y)"),
        {"K": "ocrs", "x": "cmn", "b": "o"},
        {
            "dy": "2 y", "db[p]": "sum(i = 1..m - r + 1, j = 1..n - s + 1: dy[p,i,j])",
            "dK[p,q,u,v]": "sum(i = 1..m - r + 1, j = 1..n - s + 1: dy[p,i,j] x[q,i + u - 1,j + v - 1])",
        },
    ),
    # what is a product of matrices after all is read as one
    (("z[i] = sum(j: A[i,j] x[j])", "L = 1/2 ||z - y||^2"), {"A": "mn"}, {"dA": "dz x^T", "dx": "A^T dz"}),
    (("L = sum(i, j, l: A[i,j] B[j,l] C[i,l])",), {"A": "mn", "B": "nk", "C": "mk"}, {
        "dA": "C B^T", "dB": "A^T C", "dC": "A B",
    }),
    # a causal mask: the exponential is called by its name
    (("A[i,j] = exp(S[i,j]) where j <= i", "R = A V", "L = sum(R * G)"), {"S": "nn", "V": "nd"}, {
        "dV": "A^T dR", "dA": "dR V^T", "dS": "dA ⊙ A",
    }),
    (("M[i,j] = A[i,j] where i >= j", "z = M x", "L = 1/2 ||z||^2"), {"A": "nn"}, {
        "dM": "dz x^T", "dA[p,q]": "dM[p,q] where q ≤ p",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "shapes", "expected"), IN_INDICES, ids=lambda part: str(part)[:60])
def test_equations_in_indices(
    equations: tuple[str, ...], shapes: dict[str, object], expected: dict[str, str]
) -> None:
    found = formulas(worked(*equations, shapes=shapes))
    assert {name: found.get(name) for name in expected} == expected
