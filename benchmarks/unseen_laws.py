"""Laws that nothing was tuned on when they were written down, in the form of `benchmarks.laws`, oldest first."""

# Nothing was tuned on these. Columns that a formula does not have (n1, n2, ...) are irrelevant ones.
UNSEEN = {
    "settling": "2/9*(rho_p-rho_f)*g*r**2/mu | rho_p 2 5; rho_f 1 2; g 9 10; r 0.1 1; mu 1 3; n1 0 1",
    "competitive inhibition": "vmax*s/(km*(1+i/ki)+s) | vmax s 1 5; km i ki 1 3",
    "arrhenius": "a*exp(-e/(8.314*t)) | a 1 5; e 5000 20000; t 300 500; n1 n2 0 1",
    "manning": "r**(2/3)*sqrt(s)/n | r 0.5 4; s 0.001 0.02; n 0.01 0.05; n1 -1 1",
    "antoine": "exp(a-b/(c+t)) | a 7 9; b 1000 2000; c 200 250; t 10 100",
    "hill": "x**n/(k**n+x**n) | x 0.5 3; k 1 2; n 1 4",
    "nernst": "t*log(co/ci)/(11604.5*z) | t 280 320; co 1 5; ci 5 100; z 1 2; n1 n2 n3 0 1",
    "orbital period": "2*pi*sqrt(a**3/(g*(m1+m2))) | a m1 m2 1 5; g 6 7; n1 1 5",
    "thick lens": "(n-1)*(1/r1-1/r2+(n-1)*d/(n*r1*r2)) | n 1.3 1.9; r1 1 3; r2 4 9; d 0.1 1",
    "rocket": "ve*log(m0/mf)-g*t | ve 2 5; m0 5 9; mf 1 4; g 1 2; t 1 3; n1 0 1",
    "damped swing": "a*exp(-g*t)*cos(w*t) | a 1 3; g 0.1 1; t 0 3; w 1 3",
    "lennard-jones": "4*eps*((s/r)**12-(s/r)**6) | eps 1 3; s 1 1.2; r 1.1 2; n1 1 2",
    "great circle": "acos(sin(a)*sin(b)+cos(a)*cos(b)*cos(d)) | a b -1 1; d 0.2 2.5",
    "charging": "v*(1-exp(-t/(r*c))) | v 1 5; t 0.5 5; r c 1 3; n1 n2 0 1",
    "redlich-kwong": "r*t/(v-b)-a/(sqrt(t)*v*(v+b)) | r 1 2; t 1 3; v 3 6; b 0.5 2; a 1 5",
    "invented 1": "a*b+sin(c*d) | a b c d 1 3; n1 n2 0 1",
    "invented 2": "sqrt(a**2+3*b)/(1+c) | a b c 0 4; n1 0 4; n2 -1 1",
    "invented 3": "log(1+a*b)+c**2/2 | a b 0 3; c -2 2; n1 n2 n3 -1 1",
    "invented 4": "abs(a-b)*c | a b c 0 5; n1 n2 0 1",
    "invented 5": "tanh(a*b-c)+d/4 | a b -1 2; c d 0 2",
}

# Written down after all that was tuned on the others, and before they were run.
FRESH = {
    "venturi": "a2*sqrt(2*dp/(rho*(1-(a2/a1)**2))) | a1 3 5; a2 1 2; dp 1 5; rho 0.8 1.2; n1 0 1",
    "clausius-clapeyron": "p*exp(l/8.314*(1/t1-1/t2)) | p 1 5; l 20000 45000; t1 300 350; t2 360 420; n1 n2 0 1",
    "morse": "d*(1-exp(-a*(r-r0)))**2 | d 1 5; a 0.5 2; r 0.8 4; r0 0.7 1.5",
    "time dilation": "t*sqrt(1-2*g*m/(r*c**2)) | t 1 5; g 0.5 1; m 1 3; r 4 9; c 1.5 3",
    "yukawa": "q*exp(-r/l)/(4*pi*eps*r) | q eps 1 3; r 0.5 4; l 1 3; n1 0 1",
    "logistic growth": "k/(1+(k-n0)/n0*exp(-r*t)) | k 5 10; n0 0.5 2; r 0.3 1.5; t 0 6",
    "haldane": "mu*s/(ks+s+s**2/ki) | mu 1 5; s 0.2 8; ks 0.5 2; ki 1 5; n1 n2 0 1",
    "damped frequency": "sqrt(k/m-(c/(2*m))**2) | k 5 20; m 1 3; c 0.5 3",
    "radiation": "eps*sigma*(t1**4-t2**4) | eps 0.3 1; sigma 1 3; t1 2 4; t2 1 1.9; n1 0 1",
    "altitude of the sun": "asin(sin(lat)*sin(dec)+cos(lat)*cos(dec)*cos(h)) | lat -1 1; dec -0.4 0.4; h -2 2",
    "fresnel": "((n1-n2)/(n1+n2))**2 | n1 1 1.5; n2 1.6 2.5; z1 z2 z3 0 1",
    "resonance": "f/sqrt((k-m*w**2)**2+(c*w)**2) | f k 1 5; m 0.5 2; w 0.3 3; c 0.5 2",
    "langmuir-freundlich": "q*(k*p)**m/(1+(k*p)**m) | q 1 5; k 0.5 2; p 0.2 5; m 0.5 3; n1 0 1",
    "magnus": "rh*6.112*exp(17.62*t/(243.12+t)) | rh 0.1 1; t 0 40; n1 n2 0 1",
    "impedance": "sqrt(r**2+(w*l-1/(w*c))**2) | r 1 5; w 0.5 3; l 0.5 2; c 0.2 2",
}

# Written down before any of the work that followed them. Rows and correlation of their tables are below.
SECOND = {
    "haaland": "(0.7817*log((e/3.7)**1.11+6.9/re))**-2 | e 0.001 0.05; re 4000 100000; n1 0 1",
    "van genuchten": "tr+(ts-tr)/(1+(a*h)**n)**(1-1/n) | tr 0.02 0.1; ts 0.35 0.5; a 0.01 0.1; h 1 300; n 1.2 3",
    "gompertz": "k*exp(-b*exp(-c*t)) | k 5 10; b 1 4; c 0.2 1; t 0 6; n1 n2 0 1",
    "breit-wigner": "k/((e**2-m**2)**2+m**2*g**2) | k 1 5; e 1 4; m 2 3; g 0.3 1",
    "butler-volmer": "j*(exp(a*f*eta)-exp(-(1-a)*f*eta)) | j 0.5 2; a 0.3 0.7; f 30 40; eta -0.08 0.08; n1 0 1",
    "ces": "a*(d*k**-r+(1-d)*l**-r)**(-1/r) | a 1 3; d 0.2 0.8; k l 1 9; r 0.3 2",
    "mixed inhibition": "v*s/(k*(1+i/kc)+s*(1+i/ku)) | v 1 5; s 0.5 8; k 0.5 3; i 0 4; kc ku 1 4; n1 n2 0 1",
    "van der waals pressure": "r*t/(v-b)-a/v**2 | r 1 2; t 1 3; v 3 6; b 0.5 2; a 1 5",
    "vis-viva": "sqrt(mu*(2/r-1/a)) | mu 1 5; r 1 2.5; a 2 5; n1 n2 n3 n4 n5 0 1",
    "beam deflection": "w*x*(l**3-2*l*x**2+x**3)/(24*e*i) | w 1 5; x 0 2; l 2 4; e 1 3; i 1 2",
    "current loop": "mu*i*r**2/(2*(r**2+z**2)**1.5) | mu i 1 3; r 0.5 2; z 0 3; n1 -1 1",
    "fabry-perot": "t**2/((1-r)**2+4*r*sin(d/2)**2) | t 0.1 0.5; r 0.4 0.8; d 0 6",
    "bateman": "d*ka/(v*(ka-ke))*(exp(-ke*t)-exp(-ka*t)) | d 50 200; v 10 40; ka 0.8 2; ke 0.05 0.4; t 0.2 12",
    "annuity": "p*r/(1-(1+r)**-n) | p 100 900; r 0.02 0.15; n 3 30; n1 n2 0 1",
    "dead zone": "k*(abs(x-d)+x-d)/2 | k 1 3; x -1 6; d 0.5 1.5; n1 -1 1",
    "wind chill": "13.12+0.6215*t-11.37*v**0.16+0.3965*t*v**0.16 | t -30 5; v 5 80; n1 n2 n3 n4 n5 0 1",
    "log-mean temperature": "u*a*(d1-d2)/log(d1/d2) | u 1 5; a 1 3; d1 40 90; d2 5 30",
    "doppler with angle": "f*sqrt(1-b**2)/(1-b*cos(theta)) | f 1 5; b 0.1 0.8; theta 0 3; n1 0 1",
    "invented 6": "a*sin(b*x)+c*exp(-y) | a c 1 3; b 1 2; x 0 4; y 0 3; n1 n2 n3 0 1",
    "invented 7": "a*(b+c+abs(b-c))/2+d**2 | a 1 3; b c 0 5; d -2 2; n1 0 1",
}

# Written down after the kinds of the second list had been worked on, and before they were run.
THIRD = {
    "swamee-jain": "0.25/log(e/(3.7*d)+5.74/re**0.9)**2 | e 0.0001 0.002; d 0.05 0.5; re 5000 200000; n1 0 1",
    "cooling": "ta+(t0-ta)*exp(-k*t) | ta 10 25; t0 60 95; k 0.01 0.1; t 1 60; n1 n2 n3 0 1",
    "soave": "(1+k*(1-sqrt(t/tc)))**2 | k 0.3 0.9; t 200 600; tc 300 650; n1 n2 0 1",
    "relativistic rocket": "c*tanh(ve/c*log(m0/m1)) | c 3 5; ve 1 2.5; m0 5 9; m1 1 4",
    "product inhibition": "mu*s/(ks+s)*(1-p/pm) | mu 0.5 2; s 0.2 5; ks 0.3 2; p 0 40; pm 50 90",
    "regular solution": "t*(p*log(p)+(1-p)*log(1-p))+w*p*(1-p) | t 0.5 2; p 0.05 0.95; w 1 4; n1 n2 n3 n4 n5 0 1",
    "parallel and in line": "r1*r2/(r1+r2)+rho*l | r1 r2 1 9; rho 0.5 2; l 1 4; n1 n2 0 1",
    "rotor lines": "b*j*(j+1)-d*j**2*(j+1)**2 | b 1 3; j 0.5 10.5; d 0.001 0.01; n1 0 1",
    "invented 8": "sqrt(a*b)+c/(1+d**2) | a b 0.5 4; c 1 3; d -2 2; n1 n2 0 1",
    "invented 9": "log(a+b*c)-2*cos(d) | a 0.5 2; b c 1 3; d 0 5; n1 0 1",
}
# Written down after the order of the search had been worked on for the third list, and before they were run.
FOURTH = {
    "buffer": "pk+log(a/h)/log(10) | pk 3 9; a h 0.05 2; n1 n2 0 1",
    "debye-hueckel": "-0.509*z**2*sqrt(i)/(1+0.33*d*sqrt(i)) | z 1 3; i 0.001 0.5; d 3 9; n1 0 1",
    "eyring": "20.84*t*exp(s/8.314-h/(8.314*t)) | t 280 400; s -20 20; h 20000 40000; n1 0 1",
    "holling": "a*n*p/(1+a*h*n) | a 0.1 1; n 1 50; p 1 20; h 0.05 0.5; n1 n2 0 1",
    "bertalanffy": "l*(1-exp(-k*(t-t0))) | l 20 80; k 0.1 0.6; t 1 12; t0 -1 0.5; n1 0 1",
    "selection": "p*(p*u+(1-p)*v)/(p**2*u+2*p*(1-p)*v+(1-p)**2*w) | p 0.05 0.95; u v w 0.5 1.5",
    "stribeck": "fc+(fs-fc)*exp(-(v/vs)**2)+b*v | fc 1 2; fs 3 5; v 0 3; vs 0.3 1; b 0.1 0.6; n1 0 1",
    "high pass": "u*w*r*c/sqrt(1+(w*r*c)**2) | u 1 5; w 0.3 3; r c 0.5 2; n1 n2 0 1",
    "thermistor": "1/(1/t0+log(r/r0)/b) | t0 290 305; r 1 50; r0 8 12; b 3000 4500; n1 n2 0 1",
    "loan balance": "p*(1+r)**n-a*((1+r)**n-1)/r | p 1000 5000; r 0.01 0.1; n 1 20; a 50 200; n1 0 1",
    "gravity of trade": "k*(m1*m2)**0.8/d**1.2 | k 1 2; m1 m2 1 30; d 1 12; n1 n2 n3 0 1",
    "log utility": "(1-b)*log(c)+b*log(24-h) | b 0.2 0.8; c 1 40; h 1 16; n1 n2 0 1",
    "hill sphere": "a*(1-e)*(m/(3*s))**(1/3) | a 1 30; e 0 0.6; m 0.1 10; s 100 2000; n1 n2 n3 0 1",
    "distance modulus": "m+5-5*log(d)/log(10)-k*d/1000 | m 0 15; d 10 2000; k 0.5 2; n1 0 1",
    "heron": "sqrt((a+b+c)*(-a+b+c)*(a-b+c)*(a+b-c))/4 | a b c 3 5",
    "frustum": "pi*h*(r**2+r*q+q**2)/3 | h 1 9; r q 0.5 4; n1 n2 0 1",
    "invented 10": "a*exp(-b**2)+c*d | a c 1 4; b 0 2; d -1 2; n1 n2 0 1",
    "invented 11": "(a+b)/(c+d**2) | a b 0 5; c 1 3; d -2 2; n1 0 1",
    "invented 12": "sqrt(a)*cos(b)+log(c) | a 0 9; b 0 6; c 0.5 8; n1 n2 n3 0 1",
    "invented 13": "(a-b)**2/c+2*abs(d) | a b 0 4; c 1 3; d -3 3; n1 0 1",
}
# columns of integers
INTEGERS = {
    "rotor lines": ("j",), "debye-hueckel": ("z",), "holling": ("n", "p"), "bertalanffy": ("t",),
    "loan balance": ("n",),
}  # fmt: skip
# (rows, correlation of the columns under a normal copula), where they are not 1,000 and 0
TABLES = {
    "haaland": (2000, 0.0), "van genuchten": (3000, 0.0), "gompertz": (500, 0.0), "breit-wigner": (5000, 0.0),
    "butler-volmer": (1500, 0.3), "ces": (800, 0.6), "mixed inhibition": (2000, 0.5),
    "van der waals pressure": (500, 0.3), "vis-viva": (200, 0.0), "beam deflection": (400, 0.5),
    "current loop": (300, 0.0), "fabry-perot": (2000, 0.0), "bateman": (3000, 0.0), "annuity": (600, 0.5),
    "dead zone": (500, 0.0), "wind chill": (400, 0.6), "log-mean temperature": (300, 0.7),
    "doppler with angle": (250, 0.0), "invented 6": (1000, 0.3), "invented 7": (700, 0.5),
    "swamee-jain": (1500, 0.0), "cooling": (400, 0.3), "soave": (250, 0.0), "relativistic rocket": (1000, 0.0),
    "product inhibition": (2000, 0.5), "regular solution": (5000, 0.0), "parallel and in line": (600, 0.4),
    "rotor lines": (800, 0.0), "invented 8": (1200, 0.0), "invented 9": (300, 0.6),
    "buffer": (300, 0.0), "debye-hueckel": (600, 0.0), "eyring": (1500, 0.0), "holling": (2000, 0.3),
    "bertalanffy": (800, 0.0), "selection": (3000, 0.4), "stribeck": (1000, 0.0), "high pass": (500, 0.5),
    "thermistor": (250, 0.0), "loan balance": (2000, 0.0), "gravity of trade": (400, 0.6), "log utility": (200, 0.3),
    "hill sphere": (1000, 0.0), "distance modulus": (300, 0.0), "heron": (700, 0.5), "frustum": (250, 0.4),
    "invented 10": (600, 0.0), "invented 11": (1500, 0.3), "invented 12": (400, 0.0), "invented 13": (1000, 0.5),
}  # fmt: skip
