"""Laws to rediscover, with the ranges of their columns, written down before anything was tuned on them.

AI Feynman's equations and some of its bonus equations (Udrescu & Tegmark 2020, tables 4 to 6); the Nguyen functions
(Uy et al. 2011); the right-hand sides of Strogatz's systems, as in ODE-Strogatz (La Cava et al. 2016); the Livermore
functions (Petersen et al. 2021).
"""

import numpy as np
from scipy.stats import norm

from benchmarks.unseen_laws import FOURTH, FRESH, INTEGERS, SECOND, TABLES, THIRD, UNSEEN

FUNCTIONS = {
    name: getattr(np, name) for name in ("exp", "sin", "cos", "sqrt", "log", "sinh", "cosh", "tanh", "abs", "pi")
}
FUNCTIONS |= {"asin": np.arcsin, "acos": np.arccos, "cot": lambda x: 1 / np.tan(x)}

# "formula | names low high; names low high; ..."
FEYNMAN = {
    "I.6.2a": "exp(-theta**2/2)/sqrt(2*pi) | theta 1 3",
    "I.6.2": "exp(-(theta/sigma)**2/2)/(sqrt(2*pi)*sigma) | sigma theta 1 3",
    "I.6.2b": "exp(-((theta-theta1)/sigma)**2/2)/(sqrt(2*pi)*sigma) | sigma theta theta1 1 3",
    "I.8.14": "sqrt((x2-x1)**2+(y2-y1)**2) | x1 x2 y1 y2 1 5",
    "I.9.18": "G*m1*m2/((x2-x1)**2+(y2-y1)**2+(z2-z1)**2) | m1 m2 G x2 y2 z2 1 2; x1 y1 z1 3 4",
    "I.10.7": "m0/sqrt(1-v**2/c**2) | m0 1 5; v 1 2; c 3 10",
    "I.11.19": "x1*y1+x2*y2+x3*y3 | x1 x2 x3 y1 y2 y3 1 5",
    "I.12.1": "mu*Nn | mu Nn 1 5",
    "I.12.2": "q1*q2*r/(4*pi*epsilon*r**3) | q1 q2 epsilon r 1 5",
    "I.12.4": "q1*r/(4*pi*epsilon*r**3) | q1 epsilon r 1 5",
    "I.12.5": "q2*Ef | q2 Ef 1 5",
    "I.12.11": "q*(Ef+B*v*sin(theta)) | q Ef B v theta 1 5",
    "I.13.4": "m*(v**2+u**2+w**2)/2 | m v u w 1 5",
    "I.13.12": "G*m1*m2*(1/r2-1/r1) | m1 m2 r1 r2 G 1 5",
    "I.14.3": "m*g*z | m g z 1 5",
    "I.14.4": "k*x**2/2 | k x 1 5",
    "I.15.3x": "(x-u*t)/sqrt(1-u**2/c**2) | x 5 10; u t 1 2; c 3 20",
    "I.15.3t": "(t-u*x/c**2)/sqrt(1-u**2/c**2) | x t 1 5; c 3 10; u 1 2",
    "I.15.10": "m0*v/sqrt(1-v**2/c**2) | m0 1 5; v 1 2; c 3 10",
    "I.16.6": "(u+v)/(1+u*v/c**2) | c v u 1 5",
    "I.18.4": "(m1*r1+m2*r2)/(m1+m2) | m1 m2 r1 r2 1 5",
    "I.18.12": "r*F*sin(theta) | r F 1 5; theta 0 5",
    "I.18.14": "m*r*v*sin(theta) | m r v theta 1 5",
    "I.24.6": "m*(omega**2+omega0**2)*x**2/4 | m omega omega0 x 1 3",
    "I.25.13": "q/C | q C 1 5",
    "I.26.2": "asin(n*sin(theta2)) | n 0 1; theta2 1 5",
    "I.27.6": "1/(1/d1+n/d2) | d1 d2 n 1 5",
    "I.29.4": "omega/c | omega c 1 10",
    "I.29.16": "sqrt(x1**2+x2**2-2*x1*x2*cos(theta1-theta2)) | x1 x2 theta1 theta2 1 5",
    "I.30.3": "I0*sin(n*theta/2)**2/sin(theta/2)**2 | I0 n theta 1 5",
    "I.30.5": "asin(lambd/(n*d)) | lambd 1 2; d 2 5; n 1 5",
    "I.32.5": "q**2*a**2/(6*pi*epsilon*c**3) | q a epsilon c 1 5",
    "I.32.17": "epsilon*c*Ef**2/2*(8*pi*r**2/3)*omega**4/(omega**2-omega0**2)**2 "
               "| epsilon c Ef r omega 1 2; omega0 3 5",
    "I.34.1": "omega0/(1-v/c) | c 3 10; v 1 2; omega0 1 5",
    "I.34.8": "q*v*B/p | q v B p 1 5",
    "I.34.14": "(1+v/c)/sqrt(1-v**2/c**2)*omega0 | c 3 10; v 1 2; omega0 1 5",
    "I.34.27": "h/(2*pi)*omega | omega h 1 5",
    "I.37.4": "I1+I2+2*sqrt(I1*I2)*cos(delta) | I1 I2 delta 1 5",
    "I.38.12": "4*pi*epsilon*(h/(2*pi))**2/(m*q**2) | m q h epsilon 1 5",
    "I.39.1": "3*pr*V/2 | pr V 1 5",
    "I.39.11": "pr*V/(gamma-1) | gamma 2 5; pr V 1 5",
    "I.39.22": "n*kb*T/V | n T V kb 1 5",
    "I.40.1": "n0*exp(-m*g*x/(kb*T)) | n0 m x T g kb 1 5",
    "I.41.16": "h/(2*pi)*omega**3/(pi**2*c**2*(exp(h/(2*pi)*omega/(kb*T))-1)) | omega T h kb c 1 5",
    "I.43.16": "mu*q*Volt/d | mu q Volt d 1 5",
    "I.43.31": "mob*kb*T | mob T kb 1 5",
    "I.43.43": "kb*v/((gamma-1)*A) | gamma 2 5; kb A v 1 5",
    "I.44.4": "n*kb*T*log(V2/V1) | n kb T V1 V2 1 5",
    "I.47.23": "sqrt(gamma*pr/rho) | gamma pr rho 1 5",
    "I.48.2": "m*c**2/sqrt(1-v**2/c**2) | m 1 5; v 1 2; c 3 10",
    "I.50.26": "x1*(cos(omega*t)+alpha*cos(omega*t)**2) | x1 omega t alpha 1 3",
    "II.2.42": "kappa*(T2-T1)*A/d | kappa T1 T2 A d 1 5",
    "II.3.24": "Pwr/(4*pi*r**2) | Pwr r 1 5",
    "II.4.23": "q/(4*pi*epsilon*r) | q epsilon r 1 5",
    "II.6.11": "p_d*cos(theta)/(4*pi*epsilon*r**2) | epsilon p_d theta r 1 3",
    "II.6.15a": "p_d/(4*pi*eps)*3*z/r**5*sqrt(x**2+y**2) | eps p_d r x y z 1 3",
    "II.6.15b": "p_d/(4*pi*eps)*3*cos(theta)*sin(theta)/r**3 | eps p_d theta r 1 3",
    "II.8.7": "3/5*q**2/(4*pi*epsilon*d) | q epsilon d 1 5",
    "II.8.31": "epsilon*Ef**2/2 | epsilon Ef 1 5",
    "II.10.9": "sigma_den/(epsilon*(1+chi)) | sigma_den epsilon chi 1 5",
    "II.11.3": "q*Ef/(m*(omega0**2-omega**2)) | q Ef m 1 3; omega0 3 5; omega 1 2",
    "II.11.17": "n0*(1+p_d*Ef*cos(theta)/(kb*T)) | n0 kb T theta p_d Ef 1 3",
    "II.11.20": "n_rho*p_d**2*Ef/(3*kb*T) | n_rho p_d Ef kb T 1 5",
    "II.11.27": "n*alpha/(1-n*alpha/3)*epsilon*Ef | n alpha 0 1; epsilon Ef 1 2",
    "II.11.28": "1+n*alpha/(1-n*alpha/3) | n alpha 0 1",
    "II.13.17": "2*I1/(4*pi*epsilon*c**2*r) | epsilon c I1 r 1 5",
    "II.13.23": "rho/sqrt(1-v**2/c**2) | rho 1 5; v 1 2; c 3 10",
    "II.13.34": "rho*v/sqrt(1-v**2/c**2) | rho 1 5; v 1 2; c 3 10",
    "II.15.4": "-mom*B*cos(theta) | mom B theta 1 5",
    "II.15.5": "-p_d*Ef*cos(theta) | p_d Ef theta 1 5",
    "II.21.32": "q/(4*pi*epsilon*r*(1-v/c)) | q epsilon r 1 5; v 1 2; c 3 10",
    "II.24.17": "sqrt(omega**2/c**2-pi**2/d**2) | omega 4 6; c 1 2; d 2 4",
    "II.27.16": "epsilon*c*Ef**2 | epsilon c Ef 1 5",
    "II.27.18": "epsilon*Ef**2 | epsilon Ef 1 5",
    "II.34.2a": "q*v/(2*pi*r) | q v r 1 5",
    "II.34.2": "q*v*r/2 | q v r 1 5",
    "II.34.11": "g_*q*B/(2*m) | g_ q B m 1 5",
    "II.34.29a": "q*h/(4*pi*m) | q h m 1 5",
    "II.34.29b": "g_*mom*B*Jz/(h/(2*pi)) | g_ h Jz mom B 1 5",
    "II.35.18": "n0/(exp(mom*B/(kb*T))+exp(-mom*B/(kb*T))) | n0 kb T mom B 1 3",
    "II.35.21": "n_rho*mom*tanh(mom*B/(kb*T)) | n_rho mom B kb T 1 5",
    "II.36.38": "mom*H/(kb*T)+mom*alpha/(epsilon*c**2*kb*T)*M | mom H kb T alpha epsilon c M 1 3",
    "II.37.1": "mom*(1+chi)*B | mom B chi 1 5",
    "II.38.3": "Y*A*x/d | Y A d x 1 5",
    "II.38.14": "Y/(2*(1+sigma)) | Y sigma 1 5",
    "III.4.32": "1/(exp(h/(2*pi)*omega/(kb*T))-1) | h omega kb T 1 5",
    "III.4.33": "h/(2*pi)*omega/(exp(h/(2*pi)*omega/(kb*T))-1) | h omega kb T 1 5",
    "III.7.38": "2*mom*B/(h/(2*pi)) | mom B h 1 5",
    "III.8.54": "sin(E_n*t/(h/(2*pi)))**2 | E_n t 1 2; h 1 4",
    "III.9.52": "p_d*Ef*t/(h/(2*pi))*sin((omega-omega0)*t/2)**2/((omega-omega0)*t/2)**2 "
                "| p_d Ef t h 1 3; omega omega0 1 5",
    "III.10.19": "mom*sqrt(Bx**2+By**2+Bz**2) | mom Bx By Bz 1 5",
    "III.12.43": "n*h/(2*pi) | n h 1 5",
    "III.13.18": "2*E_n*d**2*k/(h/(2*pi)) | E_n d k h 1 5",
    "III.14.14": "I0*(exp(q*Volt/(kb*T))-1) | I0 1 5; q Volt kb T 1 2",
    "III.15.12": "2*U*(1-cos(k*d)) | U k d 1 5",
    "III.15.14": "(h/(2*pi))**2/(2*E_n*d**2) | h E_n d 1 5",
    "III.15.27": "2*pi*alpha/(n*d) | alpha n d 1 5",
    "III.17.37": "beta*(1+alpha*cos(theta)) | beta alpha theta 1 5",
    "III.19.51": "-m*q**4/(2*(4*pi*epsilon)**2*(h/(2*pi))**2)/n**2 | m q h n epsilon 1 5",
    "III.21.20": "-rho*q*A_vec/m | rho q A_vec m 1 5",
}  # fmt: skip

BONUS = {
    "rutherford": "(Z1*Z2*alpha*hbar*c/(4*E_n*sin(theta/2)**2))**2 | Z1 Z2 alpha hbar c 1 2; E_n theta 1 3",
    "friedmann": "sqrt(8*pi*G*rho/3-alpha*c**2/d**2) | G rho d 1 3; alpha c 1 2",
    "compton": "E_n/(1+E_n/(m*c**2)*(1-cos(theta))) | E_n m c theta 1 3",
    "gravitational power": "-32/5*G**4/c**5*(m1*m2)**2*(m1+m2)/r**5 | m1 m2 1 5; G c r 1 2",
    "aberration": "acos((cos(theta2)-v/c)/(1-v/c*cos(theta2))) | theta2 1 3; c 4 6; v 1 3",
    "grating": "I0*(sin(alpha/2)*sin(n*delta/2)/(alpha/2*sin(delta/2)))**2 | I0 alpha delta 1 3; n 1 2",
    "klein-nishina": "pi*alpha**2*h**2/(m**2*c**2)*x**2*(x+1/x-sin(beta)**2) | alpha h m c x 1 2; beta 1 3",
    "van der waals": "(pr+a/V**2)*(V-b) | pr a 1 3; V 3 6; b 1 2",
    "orbit": "m*k_G/L**2*(1+sqrt(1+2*E_n*L**2/(m*k_G**2))*cos(theta1-theta2)) | m k_G L E_n 1 3; theta1 theta2 0 6",
    "ellipse": "d*(1-alpha**2)/(1+alpha*cos(theta1-theta2)) | d 1 3; alpha 0.2 0.4; theta1 theta2 4 5",
    "jackson 3.45": "q/sqrt(r**2+d**2-2*r*d*cos(alpha)) | q r alpha 1 3; d 4 6",
    "larmor": "sqrt(E_n**2/(c**2)-m**2*c**2) | E_n 8 10; m c 1 2",
    "doppler": "sqrt((1-v/c)/(1+v/c))*omega | v 1 2; c 3 10; omega 1 5",
    "hubble": "H_G**2*(1-2*alpha)/(8*pi*G)+k_f*c**2/(r**2*G) | H_G G k_f c r alpha 1 3",
}

NGUYEN = {
    "nguyen-1": "x**3+x**2+x | x -1 1",
    "nguyen-2": "x**4+x**3+x**2+x | x -1 1",
    "nguyen-3": "x**5+x**4+x**3+x**2+x | x -1 1",
    "nguyen-4": "x**6+x**5+x**4+x**3+x**2+x | x -1 1",
    "nguyen-5": "sin(x**2)*cos(x)-1 | x -1 1",
    "nguyen-6": "sin(x)+sin(x+x**2) | x -1 1",
    "nguyen-7": "log(x+1)+log(x**2+1) | x 0 2",
    "nguyen-8": "sqrt(x) | x 0 4",
    "nguyen-9": "sin(x)+sin(y**2) | x y 0 1",
    "nguyen-10": "2*sin(x)*cos(y) | x y 0 1",
    "nguyen-11": "exp(y*log(x)) | x y 0.01 1",
    "nguyen-12": "x**4-x**3+y**2/2-y | x y 0 1",
}

STROGATZ = {
    "bacterial respiration 1": "20-x-x*y/(1+x**2/2) | x 1 10; y 5 20",
    "bacterial respiration 2": "10-x*y/(1+x**2/2) | x 1 10; y 5 20",
    "bar magnets 1": "sin(x-y)/2-sin(x) | x y 0 6",
    "bar magnets 2": "sin(y-x)/2-sin(y) | x y 0 6",
    "glider 1": "-x**2/20-sin(y) | x 1 5; y 0 6",
    "glider 2": "x-cos(y)/x | x 1 5; y 0 6",
    "lotka-volterra 1": "3*x-2*x*y-x**2 | x y 1 5",
    "lotka-volterra 2": "2*y-x*y-y**2 | x y 1 5",
    "predator-prey 1": "x*(4-x-y/(1+x)) | x y 1 5",
    "predator-prey 2": "y*(x/(1+x)-0.075*y) | x 1 5; y 1 10",
    "shear flow 1": "cot(y)*cos(x) | x 0 6; y 0.3 2.8",
    "shear flow 2": "(cos(y)**2+sin(y)**2/10)*sin(x) | x 0 6; y 0.3 2.8",
    "van der pol 1": "10*(y-(x**3-x)/3) | x y -2 2",
    "van der pol 2": "-x/10 | x y -2 2",
}

LIVERMORE = {
    "livermore-1": "1/3+x+sin(x**2) | x -10 10",
    "livermore-2": "sin(x**2)*cos(x)-2 | x -1 1",
    "livermore-3": "sin(x**3)*cos(x**2)-1 | x -1 1",
    "livermore-4": "log(x+1)+log(x**2+1)+log(x) | x 0 2",
    "livermore-5": "x**4-x**3+x**2-y | x y 0 1",
    "livermore-6": "4*x**4+3*x**3+2*x**2+x | x -1 1",
    "livermore-7": "sinh(x) | x -1 1",
    "livermore-8": "cosh(x) | x -1 1",
    "livermore-9": "x**9+x**8+x**7+x**6+x**5+x**4+x**3+x**2+x | x -1 1",
    "livermore-10": "6*sin(x)*cos(y) | x y 0 1",
    "livermore-11": "x**2*y**2/(x+y) | x y -1 1",
    "livermore-12": "x**5/y**3 | x y -1 1",
    "livermore-13": "x**(1/3) | x 0 4",
    "livermore-14": "x**3+x**2+x+sin(x)+sin(x**2) | x -1 1",
    "livermore-15": "x**(1/5) | x 0 4",
    "livermore-16": "x**(2/5) | x 0 4",
    "livermore-17": "4*sin(x)*cos(y) | x y 0 1",
    "livermore-18": "sin(x**2)*cos(x)-5 | x -1 1",
    "livermore-19": "x**5+x**4+x**2+x | x -1 1",
    "livermore-20": "exp(-x**2) | x -1 1",
    "livermore-21": "x**8+x**7+x**6+x**5+x**4+x**3+x**2+x | x -1 1",
    "livermore-22": "exp(-x**2/2) | x -1 1",
}

LISTS = {
    "feynman": FEYNMAN,
    "bonus": BONUS,
    "nguyen": NGUYEN,
    "strogatz": STROGATZ,
    "livermore": LIVERMORE,
    "unseen": UNSEEN,
    "fresh": FRESH,
    "second": SECOND,
    "third": THIRD,
    "fourth": FOURTH,
}
LAWS = {name: text for laws in LISTS.values() for name, text in laws.items()}
# The 32 equations of the prototype that this package grew from, 20 it was made on and 12 that it was not.
FIRST = [
    "I.6.2",
    "I.8.14",
    "I.12.1",
    "I.12.11",
    "I.13.12",
    "I.15.3x",
    "I.16.6",
    "I.18.4",
    "I.24.6",
    "I.26.2",
    "I.27.6",
    "I.29.16",
    "I.30.3",
    "I.34.8",
    "I.39.22",
    "I.40.1",
    "I.43.31",
    "II.6.15b",
    "II.11.28",
    "III.9.52",
    "I.10.7",
    "I.34.14",
    "I.37.4",
    "I.44.4",
    "I.50.26",
    "II.6.15a",
    "II.11.17",
    "II.24.17",
    "II.35.18",
    "III.4.32",
    "III.17.37",
    "II.38.3",
]


def parts_of(name):
    """A law's formula, and its columns' names and ranges: ``(text, names, array of shape (n_columns, 2))``."""
    text, columns = LAWS[name].split("|")
    names, ranges = [], []
    for group in columns.split(";"):
        *those, low, high = group.split()
        names += those
        ranges += [(float(low), float(high))] * len(those)
    return text.strip(), names, np.array(ranges)


def truth(name, X):
    """A law's values at rows, NaN where it has none."""
    text, names, _ = parts_of(name)
    with np.errstate(all="ignore"):
        return eval(text, {"__builtins__": {}}, FUNCTIONS | dict(zip(names, X.T, strict=True))) + np.zeros(len(X))


def shares(rng, shape, correlation):
    """Shares of a range, even along each column, correlated under a normal copula."""
    if correlation == 0:
        return rng.uniform(size=shape)
    common, own = rng.standard_normal((shape[0], 1)), rng.standard_normal(shape)
    return norm.cdf(np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own)


def sample(name, n_samples=1000, noise=0.0, seed=0):
    """Rows drawn evenly from a law's ranges, with noise of that share of its standard deviation."""
    _, names, ranges = parts_of(name)
    rng = np.random.default_rng([seed, list(LAWS).index(name)])
    n_samples, correlation = TABLES.get(name, (n_samples, 0.0))
    X = ranges[:, 0] + np.diff(ranges)[:, 0] * shares(rng, (2 * n_samples, len(ranges)), correlation)
    for column in INTEGERS.get(name, ()):
        place = names.index(column)
        X[:, place] = np.round(X[:, place])
    X = X[np.isfinite(truth(name, X))][:n_samples]
    y = truth(name, X)
    return X, y + noise * y.std() * rng.standard_normal(len(y))


def widened(name, n_samples=2000, share=0.25, seed=123):
    """Rows of ranges that are wider on both sides, without changes of sign, where the law is of its usual size."""
    _, _, ranges = parts_of(name)
    margin = share * np.diff(ranges)[:, 0]
    low, high = ranges[:, 0] - margin, ranges[:, 1] + margin
    low = np.where(ranges[:, 0] >= 0, np.maximum(low, 0.5 * ranges[:, 0]), low)
    X = np.random.default_rng(seed).uniform(low, high, (n_samples, len(low)))
    y = truth(name, X)
    with np.errstate(all="ignore"):
        usual = np.isfinite(y) & (np.abs(y) < 1e3 * np.nanmedian(np.abs(y)))
    return X[usual], y[usual]
