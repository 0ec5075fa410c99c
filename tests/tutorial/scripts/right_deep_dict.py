# right
import numpy as np
np.random.seed(1)
def relu(Z): return np.maximum(0, Z), Z
def sigmoid(Z): return 1/(1+np.exp(-Z)), Z
def init(dims):
    p = {}
    for l in range(1, len(dims)):
        p['W' + str(l)] = np.random.randn(dims[l], dims[l-1]) * 0.5
        p['b' + str(l)] = np.zeros((dims[l], 1))
    return p
def linear_activation_forward(A_prev, W, b, activation):
    Z = W.dot(A_prev) + b
    A, activation_cache = sigmoid(Z) if activation == "sigmoid" else relu(Z)
    return A, ((A_prev, W, b), activation_cache)
def model_forward(X, p):
    caches = []; A = X; L = len(p) // 2
    for l in range(1, L):
        A, cache = linear_activation_forward(A, p['W'+str(l)], p['b'+str(l)], "relu"); caches.append(cache)
    AL, cache = linear_activation_forward(A, p['W'+str(L)], p['b'+str(L)], "sigmoid"); caches.append(cache)
    return AL, caches
def compute_cost(AL, Y):
    m = Y.shape[1]
    return np.squeeze(-1/m * np.sum(Y*np.log(AL) + (1-Y)*np.log(1-AL)))
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T)/m, np.sum(dZ, axis=1, keepdims=True)/m
def relu_backward(dA, cache):
    dZ = np.array(dA, copy=True); dZ[cache <= 0] = 0
    return dZ
def sigmoid_backward(dA, cache):
    s = 1/(1+np.exp(-cache)); return dA * s * (1-s)
def model_backward(AL, Y, caches):
    g = {}; L = len(caches)
    dAL = -(np.divide(Y, AL) - np.divide(1-Y, 1-AL))
    lin, act = caches[L-1]
    g["dA"+str(L-1)], g["dW"+str(L)], g["db"+str(L)] = linear_backward(sigmoid_backward(dAL, act), lin)
    for l in reversed(range(L-1)):
        lin, act = caches[l]
        g["dA"+str(l)], g["dW"+str(l+1)], g["db"+str(l+1)] = linear_backward(relu_backward(g["dA"+str(l+1)], act), lin)
    return g
X = np.random.randn(3, 30); Y = (X[:1] > 0).astype(float)
p = init([3, 5, 4, 1])
for i in range(200):
    AL, caches = model_forward(X, p)
    cost = compute_cost(AL, Y)
    grads = model_backward(AL, Y, caches)
    for l in range(len(p)//2):
        p["W"+str(l+1)] = p["W"+str(l+1)] - 0.1*grads["dW"+str(l+1)]
        p["b"+str(l+1)] = p["b"+str(l+1)] - 0.1*grads["db"+str(l+1)]
    if i % 100 == 0: print(cost)
